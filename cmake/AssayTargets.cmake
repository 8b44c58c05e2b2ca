# One way to make a library, a test and a program, so that flags stand in one place.
add_library(assay_flags INTERFACE)
# g++ 12 sees uninitialised members in moved std::variants where there are none.
target_compile_options(assay_flags INTERFACE -Wall -Wextra -Werror -Wno-missing-field-initializers -Wno-maybe-uninitialized)
target_include_directories(assay_flags INTERFACE ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR}/include)
target_compile_definitions(assay_flags INTERFACE ASSAY_VERSION="${PROJECT_VERSION}"
                           $<$<CONFIG:Debug>:_GLIBCXX_ASSERTIONS>)
if(ASSAY_SANITIZE STREQUAL "address")
  target_compile_options(assay_flags INTERFACE -fsanitize=address,undefined -fno-omit-frame-pointer
                         -fno-sanitize-recover=undefined)
  target_link_options(assay_flags INTERFACE -fsanitize=address,undefined)
  target_compile_definitions(assay_flags INTERFACE ASSAY_SANITIZER="address")
elseif(ASSAY_SANITIZE STREQUAL "thread")
  target_compile_options(assay_flags INTERFACE -fsanitize=thread -fno-omit-frame-pointer)
  target_link_options(assay_flags INTERFACE -fsanitize=thread)
  target_compile_definitions(assay_flags INTERFACE ASSAY_SANITIZER="thread")
else()
  target_compile_definitions(assay_flags INTERFACE ASSAY_SANITIZER="")
endif()

# JSON and fmt are most of the compile time of a file: parsed once, for assay_base, and shared by all libraries.
# Not for files with instruction-set flags of their own (NO_PCH), which must not see other code compiled for them.
function(assay_precompiled target)
  if(target STREQUAL "assay_base")
    target_precompile_headers(assay_base PRIVATE <nlohmann/json.hpp> <fmt/format.h> <fmt/ranges.h> <string> <vector> <map> <algorithm> <filesystem>)
  else()
    target_precompile_headers(${target} REUSE_FROM assay_base)
  endif()
endfunction()

# assay_library(base SOURCES a.cc b.cc DEPS fmt::fmt): library assay_base from the current folder.
function(assay_library name)
  cmake_parse_arguments(A "NO_PCH" "" "SOURCES;DEPS" ${ARGN})
  add_library(assay_${name} STATIC ${A_SOURCES})
  if(NOT A_NO_PCH)
    assay_precompiled(assay_${name})
  endif()
  target_link_libraries(assay_${name} PUBLIC assay_flags ${A_DEPS})
endfunction()

# assay_test(base SOURCES a_test.cc DEPS assay_base [LABEL slow] [NAME base_slow]): one test program of the folder;
# every TEST in it is a CTest test named <folder>.<Suite>.<Case>. Property tests have one seed there, so that a run can
# be repeated; the program itself draws a new one each time and prints it.
function(assay_test name)
  if(NOT ASSAY_TESTS)
    return()
  endif()
  cmake_parse_arguments(A "" "LABEL" "SOURCES;DEPS" ${ARGN})
  add_executable(${name}_test ${A_SOURCES})
  target_link_libraries(${name}_test PRIVATE ${A_DEPS} GTest::gtest GTest::gmock GTest::gtest_main)
  gtest_discover_tests(${name}_test TEST_PREFIX "${name}." DISCOVERY_TIMEOUT 60
                       PROPERTIES TIMEOUT 300 ENVIRONMENT "RC_PARAMS=seed=1" LABELS "${A_LABEL}")
endfunction()

# assay_bench(name SOURCES x_bench.cc DEPS ...): a program in bin/, never run by the tests.
function(assay_bench name)
  if(NOT ASSAY_BENCH)
    return()
  endif()
  cmake_parse_arguments(A "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${A_SOURCES})
  target_link_libraries(${name} PRIVATE ${A_DEPS})
endfunction()
