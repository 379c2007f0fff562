# example_embed_folder in a folder of pictures and one other file: a line a file, and exit status 1.
execute_process(COMMAND ${PROGRAM} ${MODEL} ${IMAGES}
  RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE error)
string(REGEX MATCHALL "[a-z]+[.](jpg|png): 192 numbers, [^\n]+\n" vectors "${output}")
list(LENGTH vectors count)
if(NOT status EQUAL 1 OR NOT count EQUAL 4 OR NOT output MATCHES "README.md: unsupported_format: " OR NOT error STREQUAL "")
  message(FATAL_ERROR "status ${status}, stdout '${output}', stderr '${error}'")
endif()
