#include "simulator/device.h"

#define COUNTER(member, help)                                            \
    {                                                                    \
#        member, help, false, offsetof(struct device_statistics, member) \
    }

const struct metric device_metrics[] = {
    COUNTER(cira_attempts, "attempts to call home"),
    COUNTER(cira_connects, "tunnels that came up"),
    COUNTER(cira_failures, "attempts that failed"),
    COUNTER(keepalives_out, "KEEPALIVE_REQUEST sent"),
    COUNTER(keepalive_replies_in, "KEEPALIVE_REPLY received"),
    COUNTER(cookie_mismatches, "KEEPALIVE_REPLY with another cookie"),
    COUNTER(channels_accepted, "channels accepted"),
    COUNTER(channels_refused, "channels refused"),
    { "slots_used", "channels open now", true, offsetof(struct device_statistics, slots_used) },
    COUNTER(window_overruns, "CHANNEL_DATA beyond the granted window"),
    COUNTER(data_in_bytes, "channel payload received"),
    COUNTER(data_out_bytes, "channel payload sent"),
    COUNTER(stray_closes, "CHANNEL_CLOSE for closed channels"),
    COUNTER(unknown_channel, "messages for unknown channels"),
    { .name = NULL },
};
