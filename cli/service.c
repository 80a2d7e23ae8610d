#include "cli/service.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/memory.h"

enum amt_err cli_open_log(struct log *log, const char *levels, const char *format,
                          struct amt_diag *diag)
{
    bool is_json = strcmp(format, "json") == 0;
    if (!is_json && strcmp(format, "logfmt") != 0) {
        return amt_diag_set(diag, AMT_ECONFIG, "--log-format is logfmt or json, not \"%s\"",
                            format);
    }
    TRY(log_set_levels(log, levels, diag));
    log_open(log, stderr, is_json ? LOG_FORMAT_JSON : LOG_FORMAT_LOGFMT);
    return AMT_OK;
}

enum amt_err cli_apply_sets(const struct config_key *keys, const struct cli_texts *sets, void *out,
                            struct amt_diag *diag)
{
    for (uint32_t i = 0; i < sets->count; i++) {
        const char *equals = strchr(sets->items[i], '=');
        if (equals == NULL) {
            return amt_diag_set(diag, AMT_ECONFIG, "--set wants KEY=VALUE, not \"%s\"",
                                sets->items[i]);
        }
        char *key = amt_memdup(sets->items[i], (size_t)(equals - sets->items[i]));
        if (key == NULL) {
            return amt_diag_set(diag, AMT_ENOMEM, "out of memory");
        }
        enum amt_err err = config_set(keys, key, equals + 1, out, diag);
        amt_free(key);
        TRY(err);
    }
    return AMT_OK;
}

void cli_notify_service(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (path == NULL || (path[0] != '/' && path[0] != '@') ||
        strlen(path) >= sizeof address.sun_path) {
        return;
    }
    memcpy(address.sun_path, path, strlen(path));
    if (path[0] == '@') {
        address.sun_path[0] = '\0'; /* the abstract name space */
    }
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    if (fd >= 0) {
        /* Nobody to tell is no reason to fail. */
        (void)sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&address,
                     len);
        (void)close(fd);
    }
}
