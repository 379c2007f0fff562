# Writes openapi.json as C: cmake -D OUTPUT=openapi_text.c -P embed.cmake, in this folder.
file(READ ${CMAKE_CURRENT_LIST_DIR}/openapi.json hex HEX)
string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
file(WRITE ${OUTPUT} "/* Made by embed.cmake. */\n#include \"openapi.h\"\nconst char serve_openapi_text[] = {\n${bytes}0};\n"
  "const size_t serve_openapi_text_size = sizeof serve_openapi_text - 1;\n")
