# Writes the files of the page, and pictures to try it with, as C: cmake -D OUTPUT=page_files.c -P embed.cmake, in this folder.
set(text "/* Made by embed.cmake. */\n#include \"page.h\"\n#define CHARSET \"\\x3B charset=utf-8\"\n")

# add_bytes(NAME FILE): an array NAME of the file's bytes
macro(add_bytes name file)
  file(READ ${file} hex HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
  string(APPEND text "static const unsigned char ${name}[] = {\n${bytes}};\n")
endmacro()

foreach(row html:index.html:text/html js:page.js:text/javascript css:page.css:text/css)
  string(REPLACE ":" ";" row ${row})
  list(GET row 0 name)
  list(GET row 1 file)
  list(GET row 2 type)
  add_bytes(${name} ${CMAKE_CURRENT_LIST_DIR}/${file})
  string(APPEND text "const serve_page_file serve_page_${name} = {\"${type}\" CHARSET, ${name}, sizeof ${name}};\n")
endforeach()

set(samples)
foreach(row cat.jpg:image/jpeg horse.png:image/png coffee.jpg:image/jpeg rocket.jpg:image/jpeg)
  string(REPLACE ":" ";" row ${row})
  list(GET row 0 file)
  list(GET row 1 type)
  string(REPLACE "." "_" name ${file})
  add_bytes(${name} ${CMAKE_CURRENT_LIST_DIR}/../../examples/images/${file})
  string(APPEND samples "    {\"${file}\", {\"${type}\", ${name}, sizeof ${name}}},\n")
endforeach()
string(APPEND text "const serve_page_sample serve_page_samples[] = {\n${samples}};\n"
  "const size_t serve_page_samples_count = sizeof serve_page_samples / sizeof *serve_page_samples;\n")
file(WRITE ${OUTPUT} "${text}")
