# example_threads prints the same with 1 and with 3 threads, a line a picture, in the order of its arguments.
set(pictures ${IMAGES}/rocket.jpg ${IMAGES}/cat.jpg ${IMAGES}/coffee.jpg ${IMAGES}/horse.png)
foreach(threads 1 3)
  execute_process(COMMAND ${PROGRAM} ${MODEL} ${threads} ${pictures}
    OUTPUT_VARIABLE output_${threads} COMMAND_ERROR_IS_FATAL ANY)
endforeach()
if(NOT output_1 STREQUAL output_3)
  message(FATAL_ERROR "1 thread:\n${output_1}3 threads:\n${output_3}")
endif()
if(NOT output_1 MATCHES "^[^\n]*rocket.jpg\t[a-z]+\n[^\n]*cat.jpg\tcat\n[^\n]*coffee.jpg\t[a-z]+\n[^\n]*horse.png\thorse\n$")
  message(FATAL_ERROR "not the four pictures in order:\n${output_1}")
endif()
