# example_search in an index of the sample pictures: the picture itself comes first, with a score of 1.
file(REMOVE ${INDEX} ${INDEX}-vectors)
execute_process(COMMAND ${VIT} index --quiet --db ${INDEX} ${IMAGES} RESULT_VARIABLE status ERROR_VARIABLE error)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "vit index: status ${status}, stderr '${error}'")
endif()
execute_process(COMMAND ${PROGRAM} ${INDEX} ${IMAGES}/horse.png
  RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE error)
if(NOT status EQUAL 0 OR NOT output MATCHES "^1[.]0000  [^\n]*/horse.png\n0[.]" OR NOT error STREQUAL "")
  message(FATAL_ERROR "status ${status}, stdout '${output}', stderr '${error}'")
endif()
execute_process(COMMAND ${PROGRAM} ${INDEX} ${IMAGES}/README.md
  RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE error)
if(NOT status EQUAL 1 OR NOT output STREQUAL "" OR NOT error MATCHES "^unsupported_format: .*README.md: ")
  message(FATAL_ERROR "status ${status}, stdout '${output}', stderr '${error}'")
endif()
