/* docs/events.md is the contract of the server's events; worlds hold every event against it. */
#ifndef AMTLAB_MPS_TESTS_EVENTS_DOC_H
#define AMTLAB_MPS_TESTS_EVENTS_DOC_H

#include "runtime/log.h"

/* Fails the test unless the part "The server" has a row with this name, level and these fields. */
void events_doc_check(const char *name, enum log_level level, const struct log_field *fields);

#endif
