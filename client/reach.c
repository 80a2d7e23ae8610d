#include "client/reach.h"

struct stream *client_reach_connect(void *ctx)
{
    const struct client_reach *reach = ctx;
    struct stream *lower = NULL;
    if (reach->uuid != NULL) {
        struct client_channel_target target = reach->channel;
        target.uuid = reach->uuid;
        target.port = reach->port;
        lower = client_channel_open(reach->loop, &target, NULL, NULL);
    } else {
        lower = net_connect(reach->loop, &reach->address, reach->connect_limit_us, NULL, NULL);
    }
    if (lower == NULL || reach->tls == NULL) {
        return lower;
    }
    struct tls_name_check check = { .name = reach->tls_name, .or_san = true };
    return tls_connect(reach->loop, reach->tls, &check, lower, NULL, NULL);
}
