# The native half of the Python package: cmake --install BUILD --component python --prefix FOLDER fills FOLDER/libvit. The
# package's own build does that (python/pyproject.toml).
#
#     _lib/       the shared libraries, each under the one name by which it is loaded: a wheel holds no symbolic links
#     _cdef.py    what cffi knows of the public headers
#     bin/vit     the command, and share/libvit beside it with the model in the box: where the command looks for it
find_package(Python3 REQUIRED COMPONENTS Interpreter)

get_property(libraries GLOBAL PROPERTY VIT_LIBRARIES)
foreach(library ${libraries})
  set_target_properties(${library} PROPERTIES VERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
endforeach()
install(TARGETS ${libraries} LIBRARY DESTINATION libvit/_lib COMPONENT python NAMELINK_SKIP)

set(cdef ${PROJECT_BINARY_DIR}/_cdef.py)
foreach(room base vit io text pipeline index hub)
  list(APPEND include_folders ${PROJECT_SOURCE_DIR}/${room}/include)
endforeach()
file(GLOB_RECURSE public_headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/*/include/vit/*.h)
add_custom_command(OUTPUT ${cdef} VERBATIM
  COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/cmake/python_cdef.py ${cdef} ${CMAKE_C_COMPILER} ${include_folders}
  DEPENDS ${PROJECT_SOURCE_DIR}/cmake/python_cdef.py ${public_headers})
add_custom_target(python_cdef DEPENDS ${cdef})
install(FILES ${cdef} DESTINATION libvit COMPONENT python)

install(TARGETS vit_command RUNTIME DESTINATION libvit/bin COMPONENT python)
install(FILES
  models/vit-tiny-cifar10/config.json models/vit-tiny-cifar10/preprocessor_config.json
  models/vit-tiny-cifar10/model.safetensors models/vit-tiny-cifar10/README.md
  DESTINATION libvit/share/libvit/models/vit-tiny-cifar10 COMPONENT python)
