# Tests in Python: of the command, and of the Python package. They need no cmocka.
set(VIT_TEST_VENVS ${PROJECT_BINARY_DIR}/venvs CACHE PATH "Where tests make and keep Python environments from PyPI")

# vit_set_environment(TEST [NAME=VALUE...]): what harness.py reads of this build, for a test in Python, and more. Such a test ends
# with 77 where it cannot be tried.
function(vit_set_environment test)
  set(variables PYTHONPATH=${PROJECT_SOURCE_DIR}/tests VIT_COMMAND=$<TARGET_FILE:vit_command> VIT_SOURCE=${PROJECT_SOURCE_DIR}
    VIT_BUILD=${PROJECT_BINARY_DIR} VIT_VENVS=${VIT_TEST_VENVS} VIT_TAR=$<BOOL:${ARCHIVE_FOUND}> VIT_SQLITE=$<BOOL:${SQLITE_FOUND}>
    VIT_CURL=$<BOOL:${CURL_FOUND}> ${ARGN})
  set_tests_properties(${test} PROPERTIES SKIP_RETURN_CODE 77 ENVIRONMENT "${variables}")
endfunction()

find_package(Python3 COMPONENTS Interpreter)
if(NOT Python3_FOUND)
  message(STATUS "python3 not found: the command is not tested as a whole (apt-get install python3)")
endif()

# vit_add_command_test(NAME FILE [ARGUMENTS ...] [LABELS ...] [ENVIRONMENT NAME=VALUE...]): a test of the command from outside, in
# Python, of which it takes the standard library alone.
function(vit_add_command_test name file)
  cmake_parse_arguments(ARG "" "" "ARGUMENTS;LABELS;ENVIRONMENT" ${ARGN})
  if(Python3_FOUND)
    add_test(NAME ${name} COMMAND ${Python3_EXECUTABLE} -B ${CMAKE_CURRENT_SOURCE_DIR}/${file} ${ARG_ARGUMENTS})
    vit_set_environment(${name} ${ARG_ENVIRONMENT})
    set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABELS}")
  endif()
endfunction()
