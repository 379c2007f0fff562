# Builds for 64-bit ARM on another processor, and runs its programs by emulation:
#
#     cmake -S . -B build-arm --toolchain cmake/aarch64.cmake -DVIT_ARM_ROOT=FOLDER
#
# VIT_ARM_ROOT: a folder with Debian's arm64 libraries (tests/arm.sh makes one). The environment variable QEMU_CPU names the processor
# that is emulated, for example `QEMU_CPU=cortex-a72 ctest --test-dir build-arm`; `qemu-aarch64-static -cpu help` lists them.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
# What is tried when the build is set up gets it too.
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES VIT_ARM_ROOT)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64-static -L ${VIT_ARM_ROOT})
set(CMAKE_SYSROOT ${VIT_ARM_ROOT})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
# pkg-config describes the libraries of the folder.
set(ENV{PKG_CONFIG_DIR} "")
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${VIT_ARM_ROOT})
set(ENV{PKG_CONFIG_LIBDIR} ${VIT_ARM_ROOT}/usr/lib/aarch64-linux-gnu/pkgconfig:${VIT_ARM_ROOT}/usr/share/pkgconfig)
