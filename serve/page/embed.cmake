# Writes the files of the page as C: cmake -D OUTPUT=page_files.c -P embed.cmake, in this folder.
set(text "/* Made by embed.cmake. */\n#include \"page.h\"\n#define CHARSET \"\\x3B charset=utf-8\"\n")
foreach(row html:index.html:text/html js:page.js:text/javascript css:page.css:text/css)
  string(REPLACE ":" ";" row ${row})
  list(GET row 0 name)
  list(GET row 1 file)
  list(GET row 2 type)
  file(READ ${CMAKE_CURRENT_LIST_DIR}/${file} hex HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
  string(APPEND text "static const unsigned char ${name}[] = {\n${bytes}};\n"
    "const serve_page_file serve_page_${name} = {\"${type}\" CHARSET, ${name}, sizeof ${name}};\n")
endforeach()
file(WRITE ${OUTPUT} "${text}")
