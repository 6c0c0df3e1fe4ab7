# One compiler, one standard, one set of warnings, for every target.
if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang" OR CMAKE_CXX_COMPILER_VERSION VERSION_LESS 19)
  message(FATAL_ERROR "Ringpost is built with clang 19 (apt-get install clang-19 lld-19), then: cmake --preset release")
endif()

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

option(BUILD_TESTING "Build the unit tests" ON)
option(RINGPOST_BENCH "Build the Google Benchmark programs" OFF)
option(RINGPOST_FUZZ "Build the libFuzzer programs" OFF)
option(RINGPOST_PCH "Precompile the headers that most sources share" ON)
set(RINGPOST_SANITIZE "" CACHE STRING "Sanitizers, as -fsanitize= takes them")
set(RINGPOST_ALLOCATOR "mimalloc" CACHE STRING "mimalloc | jemalloc | system")

# ccache refuses every source with a precompiled header unless it is told that no macro of ours changes one, and no header
# of theirs uses __TIME__. The base directory lets the checkouts of one machine share what they compiled.
find_program(RINGPOST_CCACHE ccache)
if(RINGPOST_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER env CCACHE_SLOPPINESS=pch_defines,time_macros CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}
    CCACHE_NOHASHDIR=1 ${RINGPOST_CCACHE})
endif()

add_compile_options(
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Werror
  -Wno-gnu-statement-expression -Wno-c99-extensions -Wno-missing-field-initializers
  -Wno-missing-designated-field-initializers
  -fno-omit-frame-pointer -ffile-prefix-map=${CMAKE_SOURCE_DIR}=.
  # ccache and precompiled headers agree only when the header carries no time stamp.
  "SHELL:-Xclang -fno-pch-timestamp")
add_compile_definitions(_GNU_SOURCE)
# crc32c and the SIMD kernels want at least this; every x86-64 server since 2013 has it.
if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  add_compile_options(-march=x86-64-v3)
endif()
add_link_options(-fuse-ld=lld)

if(RINGPOST_SANITIZE)
  add_compile_options(-fsanitize=${RINGPOST_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${RINGPOST_SANITIZE})
  # Sanitizers own malloc: the pools pass through and the allocator option is ignored.
  set(RINGPOST_ALLOCATOR "system")
  add_compile_definitions(RINGPOST_SANITIZED=1)
endif()

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
if(BUILD_TESTING)
  find_package(GTest REQUIRED)
endif()

# Links the allocator that RINGPOST_ALLOCATOR names into a program.
function(ringpost_allocator program)
  if(RINGPOST_ALLOCATOR STREQUAL "mimalloc")
    find_package(mimalloc REQUIRED)
    target_link_libraries(${program} PRIVATE mimalloc)
  elseif(RINGPOST_ALLOCATOR STREQUAL "jemalloc")
    pkg_check_modules(JEMALLOC REQUIRED IMPORTED_TARGET jemalloc)
    target_link_libraries(${program} PRIVATE PkgConfig::JEMALLOC)
  elseif(NOT RINGPOST_ALLOCATOR STREQUAL "system")
    message(FATAL_ERROR "RINGPOST_ALLOCATOR is mimalloc, jemalloc or system")
  endif()
endfunction()
