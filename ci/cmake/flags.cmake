# One interface target carries warnings, hardening, sanitizers and coverage; every target links it.
add_library(amtlab_flags INTERFACE)
target_include_directories(amtlab_flags INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_definitions(amtlab_flags INTERFACE _POSIX_C_SOURCE=200809L)
target_compile_options(amtlab_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes
  -Wmissing-prototypes -Wold-style-definition -Wvla -Wformat=2 -Wundef -Wcast-align
  -Wswitch-enum -Wimplicit-fallthrough -Wnull-dereference
  -fno-common -fstack-protector-strong)
if(AMTLAB_WERROR)
  target_compile_options(amtlab_flags INTERFACE -Werror)
endif()
if(AMTLAB_SANITIZE)
  target_compile_options(amtlab_flags INTERFACE -fsanitize=${AMTLAB_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(amtlab_flags INTERFACE -fsanitize=${AMTLAB_SANITIZE})
  if(AMTLAB_SANITIZE MATCHES "undefined")
    target_compile_options(amtlab_flags INTERFACE -fno-sanitize-recover=undefined)
  endif()
elseif(CMAKE_BUILD_TYPE MATCHES "Rel")
  target_compile_options(amtlab_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fPIE
    -fstack-clash-protection)
  target_link_options(amtlab_flags INTERFACE -pie -Wl,-z,relro,-z,now)
endif()
if(AMTLAB_COVERAGE)
  target_compile_options(amtlab_flags INTERFACE -fprofile-instr-generate -fcoverage-mapping)
  target_link_options(amtlab_flags INTERFACE -fprofile-instr-generate)
endif()
if(AMTLAB_FUZZ)
  # The whole product, not only the targets: the fuzzer finds its way by this.
  target_compile_options(amtlab_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
