# The strictness the project keeps, with GCC and Clang.
add_library(vit_warnings INTERFACE)
target_compile_options(vit_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes
  -Wpointer-arith -Wcast-align -Wwrite-strings -Wundef -Wvla -Wformat=2)
if(VIT_WERROR)
  target_compile_options(vit_warnings INTERFACE -Werror)
endif()
