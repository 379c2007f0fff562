# A file that is no picture ends with a message that names it, nothing on stdout, and exit status 1.
execute_process(COMMAND ${PROGRAM} ${MODEL} ${IMAGES}/README.md
  RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE error)
if(NOT status EQUAL 1 OR NOT output STREQUAL "" OR NOT error MATCHES "^unsupported_format: .*README.md: ")
  message(FATAL_ERROR "status ${status}, stdout '${output}', stderr '${error}'")
endif()
