#include "client/device.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool call(struct client_device *d, struct wsman_call *call, const char *key,
                 const char *value)
{
    if (key != NULL && wsman_selector_add(d->arena, &call->selectors, key, value) != AMT_OK) {
        return client_fail(d, WSMAN_NO_MEMORY, "out of memory");
    }
    wsman_client_wait(d->client, call, d->arena, &d->outcome);
    return d->outcome.result == WSMAN_DONE && d->outcome.return_value == 0;
}

struct wsman_instance *client_get(struct client_device *d, const char *class_name, const char *key,
                                  const char *value)
{
    struct wsman_call get = { .operation = WSMAN_GET, .class_name = class_name };
    return call(d, &get, key, value) ? d->outcome.reply->instance : NULL;
}

bool client_enumerate(struct client_device *d, const char *class_name,
                      struct wsman_instance **items)
{
    struct wsman_call enumerate = { .operation = WSMAN_ENUMERATE, .class_name = class_name };
    bool is_done = call(d, &enumerate, NULL, NULL);
    *items = is_done ? d->outcome.items : NULL;
    return is_done;
}

bool client_put(struct client_device *d, const char *class_name, const char *key, const char *value,
                const struct wsman_instance *instance)
{
    struct wsman_call put = { .operation = WSMAN_PUT, .class_name = class_name, .body = instance };
    return call(d, &put, key, value);
}

bool client_delete(struct client_device *d, const char *class_name, const char *key,
                   const char *value)
{
    struct wsman_call delete = { .operation = WSMAN_DELETE, .class_name = class_name };
    return call(d, &delete, key, value);
}

bool client_invoke(struct client_device *d, const char *class_name, const char *method,
                   const struct wsman_instance *input)
{
    if (input != NULL && input->failed) {
        return client_fail(d, WSMAN_NO_MEMORY, "out of memory");
    }
    struct wsman_call invoke = {
        .operation = WSMAN_METHOD, .class_name = class_name, .method = method, .body = input
    };
    return call(d, &invoke, NULL, NULL);
}

struct wsman_instance *client_input(struct client_device *d)
{
    return wsman_instance_new(d->arena, "INPUT");
}

bool client_is_absent(const struct client_device *d)
{
    const struct wsman_outcome *outcome = &d->outcome;
    if (outcome->result == WSMAN_FAULTED) {
        const char *subcode = outcome->reply->fault.subcode;
        return strcmp(subcode, "DestinationUnreachable") == 0 ||
               strcmp(subcode, "ActionNotSupported") == 0;
    }
    return outcome->result == WSMAN_HTTP && outcome->status == 400;
}

bool client_fail(struct client_device *d, enum wsman_result result, const char *format, ...)
{
    char text[AMT_DIAG_TEXT_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    d->outcome = (struct wsman_outcome){ .result = result };
    (void)amt_diag_set(&d->outcome.diag, AMT_EPEER, "%s", text);
    return false;
}
