# Libraries of which the build takes the headers alone: the program loads them when it first wants them (base/library.h), so that
# they cost no start anything.
#
# vit_find_on_demand(SWITCH MODULE HEADER LIBRARY PACKAGE WITHOUT [OFF])
#
# Declares the option VIT_<SWITCH>: AUTO (if header and library are found), ON or OFF. Sets <SWITCH>_FOUND, and then
# <SWITCH>_INCLUDE_DIR and <SWITCH>_FILE, the name under which the library is loaded ("libgif.so.7"). The structures in a header
# are those of one such name: a library with another one is never loaded. MODULE is the library in pkg-config with the least
# version, or "". WITHOUT says what a build without it does not do. The last argument is what the option is unless it is given.
#
#     vit_find_on_demand(TIFF "libtiff-4>=4.5" tiffio.h tiff libtiff-dev "TIFF files are not read")
function(vit_find_on_demand switch module header library package without)
  set(default AUTO)
  if(ARGC GREATER 6)
    set(default ${ARGV6})
  endif()
  set(VIT_${switch} ${default} CACHE STRING "Build what needs ${package}: AUTO (if it is found), ON or OFF")
  set_property(CACHE VIT_${switch} PROPERTY STRINGS AUTO ON OFF)
  set(${switch}_FOUND FALSE PARENT_SCOPE)
  if(NOT VIT_${switch})
    return()
  endif()
  find_path(${switch}_INCLUDE_DIR ${header})
  find_library(${switch}_LIBRARY ${library})
  mark_as_advanced(${switch}_INCLUDE_DIR ${switch}_LIBRARY)
  set(found ${${switch}_INCLUDE_DIR})
  if(found AND module)
    pkg_check_modules(${switch}_MODULE QUIET ${module})
    set(found ${${switch}_MODULE_FOUND})
  endif()
  if(found AND ${switch}_LIBRARY)
    execute_process(COMMAND ${CMAKE_OBJDUMP} -p ${${switch}_LIBRARY} OUTPUT_VARIABLE headers ERROR_QUIET)
    if(headers MATCHES "SONAME +([^ \n]+)")
      set(${switch}_FILE ${CMAKE_MATCH_1} PARENT_SCOPE)
      set(${switch}_FOUND TRUE PARENT_SCOPE)
      return()
    endif()
  endif()
  if(VIT_${switch} STREQUAL "AUTO")
    message(STATUS "${package} not found: ${without} (apt-get install ${package})")
  else()
    message(FATAL_ERROR "VIT_${switch} is ${VIT_${switch}}, but ${package} was not found (apt-get install ${package})")
  endif()
endfunction()
