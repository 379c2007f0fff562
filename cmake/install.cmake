# What `cmake --install` puts where. Everything finds its neighbours by relative path, so that the tree can be moved.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/libvit)
set(pkgconfig_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

install(DIRECTORY base/include/ vit/include/ io/include/ text/include/ pipeline/include/
  index/include/ hub/include/ fit/include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(TARGETS vit_command RUNTIME)
# A second name, for machines where another program is called vit (a front end of Taskwarrior is, in Debian).
file(CREATE_LINK vit ${PROJECT_BINARY_DIR}/libvit SYMBOLIC)
install(FILES ${PROJECT_BINARY_DIR}/libvit DESTINATION ${CMAKE_INSTALL_BINDIR})

# The libraries find those that they stand on beside them, wherever the tree stands.
set_target_properties(vitio vittext vitpipe vitindex PROPERTIES INSTALL_RPATH "$ORIGIN")
install(TARGETS vit vitio vittext vitpipe vitindex vithub vitfit EXPORT libvit-targets)
install(TARGETS vit_static vitio_static vittext_static vitpipe_static vitindex_static vithub_static vitfit_static EXPORT libvit-static-targets)

# The static libraries need what they are made of; the shared ones bring it along. Two exports, so that a machine
# without the development files of those parts can still use the shared libraries.
install(EXPORT libvit-targets NAMESPACE libvit:: DESTINATION ${package_dir})
install(EXPORT libvit-static-targets NAMESPACE libvit:: DESTINATION ${package_dir})
# The parts by the names they have here and the names pkg-config has for them.
set(static_parts JANSSON=jansson NETTLE=nettle JPEG=libjpeg PNG=libpng ZLIB=zlib)
if(WEBP_FOUND)
  list(APPEND static_parts WEBP=libwebp)
  set(pc_webp ", libwebp")
endif()
if(SQLITE_FOUND)
  list(APPEND static_parts SQLITE=sqlite3)
  set(pc_sqlite "sqlite3 >= 3.35")
endif()
string(REPLACE ";" " " static_parts "${static_parts}")
configure_package_config_file(cmake/libvit-config.cmake.in ${PROJECT_BINARY_DIR}/libvit-config.cmake
  INSTALL_DESTINATION ${package_dir} NO_SET_AND_CHECK_MACRO)
# Before 1.0 a minor version may change the interface.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/libvit-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/libvit-config.cmake ${PROJECT_BINARY_DIR}/libvit-config-version.cmake
  DESTINATION ${package_dir})

if(IS_ABSOLUTE ${CMAKE_INSTALL_LIBDIR} OR IS_ABSOLUTE ${CMAKE_INSTALL_INCLUDEDIR})
  set(pc_prefix ${CMAKE_INSTALL_PREFIX})
else()
  # ${pcfiledir} is where pkg-config found the file: the prefix is a fixed number of folders above it.
  file(RELATIVE_PATH up /prefix/${pkgconfig_dir} /prefix)
  string(REGEX REPLACE "/$" "" up ${up})
  set(pc_prefix "\${pcfiledir}/${up}")
endif()
cmake_path(ABSOLUTE_PATH CMAKE_INSTALL_LIBDIR BASE_DIRECTORY "\${prefix}" OUTPUT_VARIABLE pc_libdir)
cmake_path(ABSOLUTE_PATH CMAKE_INSTALL_INCLUDEDIR BASE_DIRECTORY "\${prefix}" OUTPUT_VARIABLE pc_includedir)
# OpenBLAS and libcurl are loaded at run time, never linked.
list(TRANSFORM CMAKE_DL_LIBS PREPEND -l OUTPUT_VARIABLE dl_flags)
foreach(name libvit libvitio libvittext libvitpipe libvitindex libvithub libvitfit)
  configure_file(cmake/${name}.pc.in ${PROJECT_BINARY_DIR}/${name}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/${name}.pc DESTINATION ${pkgconfig_dir})
endforeach()

# The command looks for these folders in ../share beside its own: the default model, and what writes the file that
# `vit verify` compares a checkpoint with. The script's own picture stands as far from it as in the sources.
install(FILES
  models/vit-tiny-cifar10/config.json models/vit-tiny-cifar10/preprocessor_config.json
  models/vit-tiny-cifar10/model.safetensors models/vit-tiny-cifar10/README.md
  DESTINATION ${CMAKE_INSTALL_DATADIR}/libvit/models/vit-tiny-cifar10)
install(FILES
  models/reference/README.md models/reference/make_expected.py models/reference/reference_open_clip.py
  models/reference/reference_own.py models/reference/reference_timm.py
  models/reference/reference_transformers.py models/reference/requirements.txt
  DESTINATION ${CMAKE_INSTALL_DATADIR}/libvit/models/reference)
install(FILES examples/images/README.md examples/images/cat.jpg examples/images/coffee.jpg
  examples/images/horse.png examples/images/rocket.jpg
  DESTINATION ${CMAKE_INSTALL_DATADIR}/libvit/examples/images)
if(EXISTS ${PROJECT_SOURCE_DIR}/docs/vit.1)
  install(FILES docs/vit.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
endif()

# The pages, at the places that they have here: a page that --help or another page names is found from
# there. Scripts and pictures are in share/libvit, above.
install(FILES README.md CHANGELOG.md CONTRIBUTING.md SECURITY.md LICENSE LICENSE.WordNet
  DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs examples models DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING
  PATTERN "*.md" PATTERN "*.c" REGEX "/examples/python/[^/]+[.](py|ipynb)$" PATTERN "vit-tiny-cifar10" EXCLUDE)

# Units of `vit serve`: with the pages, to be copied; with VIT_SYSTEMD also where systemd looks (/usr/lib, /usr/local/lib).
if(VIT_SERVE)
  configure_file(packaging/vit.service.in ${PROJECT_BINARY_DIR}/vit.service @ONLY)
  set(units ${PROJECT_BINARY_DIR}/vit.service packaging/vit.socket)
  install(FILES ${units} DESTINATION ${CMAKE_INSTALL_DOCDIR}/packaging)
  if(VIT_SYSTEMD)
    install(FILES ${units} DESTINATION lib/systemd/system)
  endif()
endif()

# The last of all:
set(arguments "\"${CMAKE_INSTALL_BINDIR}\" \"${CMAKE_INSTALL_LIBDIR}\" ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}")
install(SCRIPT cmake/after_install.cmake CODE "vit_after_install(${arguments})")

# cmake --build build --target uninstall: removes what the last `cmake --install` put somewhere.
add_custom_target(uninstall VERBATIM
  COMMAND ${CMAKE_COMMAND} -D MANIFEST=${PROJECT_BINARY_DIR}/install_manifest.txt
    -P ${PROJECT_SOURCE_DIR}/cmake/uninstall.cmake)
