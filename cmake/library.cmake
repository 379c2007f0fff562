# The walls between folders, and the libraries that are made of them.
#
# vit_add_room(NAME SOURCES ... [USES ROOM...] [PUBLIC DIR...] [LIBRARIES ...])
#
# A room is the current folder as a target of its own. Its files are compiled with the include paths of the room itself and of
# the rooms that it uses (and of those that these use), and no others: an include that the design does not allow does not
# compile. USES are the arrows of docs/architecture.md. PUBLIC: folders of public headers. A room without sources is such a
# folder alone, which is what other libraries see of a library.
#
#     vit_add_room(linear SOURCES gemm.c tiles.c USES families checkpoint base)
function(vit_add_room name)
  cmake_parse_arguments(ARG "" "" "SOURCES;USES;PUBLIC;LIBRARIES" ${ARGN})
  list(TRANSFORM ARG_USES PREPEND room_)
  if(NOT ARG_SOURCES)
    add_library(room_${name} INTERFACE)
    target_include_directories(room_${name} INTERFACE ${ARG_PUBLIC})
    target_link_libraries(room_${name} INTERFACE ${ARG_USES})
    return()
  endif()
  add_library(room_${name} OBJECT ${ARG_SOURCES})
  set_target_properties(room_${name} PROPERTIES POSITION_INDEPENDENT_CODE ON C_VISIBILITY_PRESET hidden)
  target_include_directories(room_${name} PUBLIC ${CMAKE_CURRENT_SOURCE_DIR} ${ARG_PUBLIC})
  target_link_libraries(room_${name} PUBLIC ${ARG_USES} PRIVATE vit_warnings ${ARG_LIBRARIES})
endfunction()

# vit_add_library(NAME ROOMS ROOM... INCLUDE DIR... [STANDS_ON LIB...] PRIVATE_LIBRARIES ...)
#
# Three libraries of the objects of some rooms, and of the room base:
#   NAME            shared, versioned, hidden visibility (installed)
#   NAME_static     static (installed as libNAME.a)
#   NAME_internal   static, with the rooms' headers on the include path (the tests link this one)
# STANDS_ON: the libraries that this one calls, and whose types are in its public header. Shared libraries each have base inside,
# hidden; of static ones, that which stands on no other.
function(vit_add_library name)
  cmake_parse_arguments(ARG "" "" "ROOMS;INCLUDE;STANDS_ON;PRIVATE_LIBRARIES" ${ARGN})
  list(TRANSFORM ARG_ROOMS REPLACE "(.+)" "$<TARGET_OBJECTS:room_\\1>" OUTPUT_VARIABLE objects)
  list(TRANSFORM ARG_ROOMS REPLACE "(.+)" "$<TARGET_PROPERTY:room_\\1,INTERFACE_INCLUDE_DIRECTORIES>" OUTPUT_VARIABLE internal)

  set_property(GLOBAL APPEND PROPERTY VIT_LIBRARIES ${name})
  add_library(${name} SHARED)
  set_target_properties(${name} PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
  # A host that unloads the library while a session's threads wait in it would crash: it stays.
  target_link_options(${name} PRIVATE -Wl,-z,nodelete)
  if(NOT VIT_SANITIZE AND NOT VIT_FUZZ) # what watches is in the program, where it is Clang's
    target_link_options(${name} PRIVATE -Wl,--no-undefined)
  endif()
  add_library(${name}_static STATIC)
  set_target_properties(${name}_static PROPERTIES OUTPUT_NAME ${name})
  add_library(${name}_internal STATIC)
  foreach(target ${name} ${name}_static ${name}_internal)
    target_sources(${target} PRIVATE ${objects})
    set_target_properties(${target} PROPERTIES LINKER_LANGUAGE C)
    target_include_directories(${target} PUBLIC
      "$<BUILD_INTERFACE:${ARG_INCLUDE}>" $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
    target_link_libraries(${target} PRIVATE ${ARG_PRIVATE_LIBRARIES})
  endforeach()
  target_include_directories(${name}_internal PUBLIC ${internal})
  if(ARG_STANDS_ON)
    list(TRANSFORM ARG_STANDS_ON APPEND _static OUTPUT_VARIABLE static)
    list(TRANSFORM ARG_STANDS_ON APPEND _internal OUTPUT_VARIABLE internal)
    target_sources(${name} PRIVATE $<TARGET_OBJECTS:room_base>)
    target_link_libraries(${name} PUBLIC ${ARG_STANDS_ON} PRIVATE ${VIT_BASE_LIBRARIES})
    target_link_libraries(${name}_static PUBLIC ${static})
    target_link_libraries(${name}_internal PUBLIC ${internal})
  else()
    foreach(target ${name} ${name}_static ${name}_internal)
      target_sources(${target} PRIVATE $<TARGET_OBJECTS:room_base>)
      target_link_libraries(${target} PRIVATE ${VIT_BASE_LIBRARIES})
    endforeach()
  endif()
endfunction()
