/* Properties, parameters and selectors from words of a command line. */
#ifndef AMTLAB_CLIENT_COMPOSE_H
#define AMTLAB_CLIENT_COMPOSE_H

#include "base/diag.h"
#include "protocol/wsman/request.h"

/*
 * Adds NAME=VALUE to instance. A name that comes twice is an array. VALUE is text, or
 *   ref:CLASS,NAME=VALUE,…   a reference     time:2026-01-01T00:00:00Z   a date
 *   file:PATH                a file, base64  interval:P1DT0H0M           an interval
 *   text:…                   text that begins like one of these
 * NAME:CLASS.PROPERTY=VALUE sets a property of an embedded instance of CLASS.
 * AMT_EMALFORMED, AMT_ESYS, AMT_ENOMEM with diag.
 */
enum amt_err compose_property(struct arena *arena, struct wsman_instance *instance,
                              const char *word, struct amt_diag *diag) AMT_MUST_USE;
/* All words; what they name replaces what instance has (compose_property only adds). */
enum amt_err compose_properties(struct arena *arena, struct wsman_instance *instance,
                                char *const *words, uint32_t count,
                                struct amt_diag *diag) AMT_MUST_USE;
/* NAME=VALUE, or NAME=ref:…, onto a list of selectors. */
enum amt_err compose_selector(struct arena *arena, const struct wsman_selector **list,
                              const char *word, struct amt_diag *diag) AMT_MUST_USE;
/* Whether text can be a name of XML: what would break an envelope is refused. */
bool compose_is_name(const char *text);

#endif
