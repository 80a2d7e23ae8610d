# The suites against our own server and the simulated devices: each case passes, each finds its deliberate defects,
# and every profile passes them all. amt-19.0 has TLS ports only, and no AdminSetup for its host.
foreach(suite mps device wsman activation-device)
  file(GLOB_RECURSE files CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR}
    ${CMAKE_CURRENT_SOURCE_DIR}/${suite}/*.yaml)
  list(FILTER files EXCLUDE REGEX "/parts/")
  if(files)
    add_test(NAME conformance.${suite}
      COMMAND amtlab run conformance/${suite} --jobs 1 --format plain
      WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    add_test(NAME conformance.${suite}.defects
      COMMAND amtlab run conformance/${suite} --defects --jobs 1 --format plain
      WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    set_tests_properties(conformance.${suite} conformance.${suite}.defects PROPERTIES
      LABELS scenario TIMEOUT 300)
  endif()
  # A case that cannot turn red proves nothing.
  foreach(file ${files})
    file(STRINGS ${file} defects REGEX "^defects:")
    if(NOT defects)
      message(SEND_ERROR "conformance/${file} names no defect that it finds")
    endif()
  endforeach()
endforeach()
file(GLOB profiles CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/scenarios/profiles
  ${PROJECT_SOURCE_DIR}/scenarios/profiles/*.yaml)
foreach(profile ${profiles})
  string(REGEX REPLACE "\\.yaml$" "" profile ${profile})
  set(how "")
  if(profile STREQUAL "amt-19.0")
    set(how --var amt_port=16993 --skip-tag http --skip-tag admin-setup)
  endif()
  add_test(NAME conformance.profile.${profile}
    COMMAND amtlab run conformance/device conformance/wsman conformance/activation-device
      --var profile=${profile} ${how} --jobs 1 --format plain
    WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  set_tests_properties(conformance.profile.${profile} PROPERTIES LABELS scenario TIMEOUT 300)
endforeach()

add_test(NAME conformance.device_target
  COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/tests/device_target.sh $<TARGET_FILE:amtlab>)
set_tests_properties(conformance.device_target PROPERTIES LABELS unit TIMEOUT 300)
