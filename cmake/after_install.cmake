# Run by `cmake --install` when all files are in their places. Makes the libraries known to the system
# (ldconfig), and says what is left to do where vit, or a program that uses libvit.so, is not found.

# vit_is_searched(FOLDER RESULT): whether the system looks for libraries there. `ldconfig -v` prints
# "/folder: (from ...)" for each folder that it searches.
function(vit_is_searched folder result)
  set(${result} FALSE PARENT_SCOPE)
  file(REAL_PATH "${folder}" wanted)
  execute_process(COMMAND ${ldconfig} -N -X -v OUTPUT_VARIABLE output ERROR_QUIET)
  string(REGEX MATCHALL "\n/[^\n:]*:" searched "\n${output}")
  foreach(line IN LISTS searched)
    string(REGEX REPLACE "^\n(.*):$" "\\1" searched "${line}")
    file(REAL_PATH "${searched}" searched)
    if(searched STREQUAL wanted)
      set(${result} TRUE PARENT_SCOPE)
    endif()
  endforeach()
endfunction()

function(vit_find_command bindir)
  string(FIND ":$ENV{PATH}:" ":${bindir}:" found)
  if(found EQUAL -1)
    message(STATUS "The command is ${bindir}/vit. To type vit alone: "
      "export PATH=\"${bindir}:$PATH\"")
  endif()
endfunction()

function(vit_find_libraries libdir soversion)
  find_program(ldconfig ldconfig PATHS /sbin /usr/sbin NO_CACHE)
  if(NOT ldconfig)
    return()
  endif()
  vit_is_searched("${libdir}" searched)
  if(NOT searched)
    message(STATUS "The system does not look for libraries in ${libdir}. The command vit needs none "
      "of them. Link programs of your own with -Wl,-rpath,${libdir} or run them with "
      "LD_LIBRARY_PATH=${libdir}")
    return()
  endif()
  execute_process(COMMAND ${ldconfig} RESULT_VARIABLE status OUTPUT_QUIET ERROR_QUIET)
  if(status EQUAL 0)
    message(STATUS "ldconfig has run: programs of your own find libvit.so.${soversion}")
  else()
    message(STATUS "For programs of your own to find libvit.so.${soversion}, run as root: ldconfig")
  endif()
endfunction()

# BINDIR, LIBDIR: below the prefix, or absolute. With DESTDIR a package is made: then all of this is
# left to those who install the package.
function(vit_after_install bindir libdir soversion)
  if("$ENV{DESTDIR}" STREQUAL "")
    set(prefix "${CMAKE_INSTALL_PREFIX}")
    cmake_path(ABSOLUTE_PATH bindir BASE_DIRECTORY "${prefix}" NORMALIZE)
    cmake_path(ABSOLUTE_PATH libdir BASE_DIRECTORY "${prefix}" NORMALIZE)
    vit_find_command("${bindir}")
    vit_find_libraries("${libdir}" ${soversion})
  endif()
endfunction()
