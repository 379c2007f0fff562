# The native half of the Python package: cmake --install BUILD --component python --prefix FOLDER fills FOLDER/libvit. The
# package's own build does that (python/pyproject.toml), with VIT_PYTHON.
#
#     _lib/      the shared libraries
#     bin/vit    the command, and share/libvit beside it with the model in the box: where the command looks for it
#     _cdef.py   with VIT_PYTHON: what cffi knows of the public headers
set(libraries vit vitio vittext vitpipe vitindex vithub vitfit)
install(TARGETS ${libraries} LIBRARY DESTINATION libvit/_lib COMPONENT python NAMELINK_SKIP EXCLUDE_FROM_ALL)
install(TARGETS vit_command RUNTIME DESTINATION libvit/bin COMPONENT python EXCLUDE_FROM_ALL)
install(FILES
  models/vit-tiny-cifar10/config.json models/vit-tiny-cifar10/preprocessor_config.json
  models/vit-tiny-cifar10/model.safetensors models/vit-tiny-cifar10/README.md
  DESTINATION libvit/share/libvit/models/vit-tiny-cifar10 COMPONENT python EXCLUDE_FROM_ALL)

set(VIT_CDEF_FOLDERS)
foreach(room base vit io text pipeline index hub fit)
  list(APPEND VIT_CDEF_FOLDERS ${PROJECT_SOURCE_DIR}/${room}/include)
endforeach()

if(VIT_PYTHON)
  # A wheel holds no symbolic links: each library has the one name by which it is loaded.
  foreach(library ${libraries})
    set_target_properties(${library} PROPERTIES VERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
  endforeach()
  find_package(Python3 REQUIRED COMPONENTS Interpreter)
  set(cdef ${PROJECT_BINARY_DIR}/_cdef.py)
  file(GLOB_RECURSE public_headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/*/include/vit/*.h)
  add_custom_command(OUTPUT ${cdef} VERBATIM
    COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/cmake/python_cdef.py ${cdef} ${CMAKE_C_COMPILER} ${VIT_CDEF_FOLDERS}
    DEPENDS ${PROJECT_SOURCE_DIR}/cmake/python_cdef.py ${public_headers})
  add_custom_target(python_cdef DEPENDS ${cdef})
  install(FILES ${cdef} DESTINATION libvit COMPONENT python)
endif()
