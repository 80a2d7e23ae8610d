#include "mps/mps.h"

#define COUNTER(member, help)                                         \
    {                                                                 \
#        member, help, false, offsetof(struct mps_statistics, member) \
    }
#define GAUGE(member, help)                                          \
    {                                                                \
#        member, help, true, offsetof(struct mps_statistics, member) \
    }

const struct metric mps_metrics[] = {
    COUNTER(connections, "TCP connections accepted"),
    COUNTER(refused_connections, "connections refused by a limit"),
    GAUGE(open_sockets, "connections open now"),
    GAUGE(unauthenticated, "connections that have not logged in"),
    GAUGE(sessions, "devices logged in now"),
    GAUGE(zombie_sessions, "sessions that have ended and still hold their connection"),
    COUNTER(logins, "successful logins"),
    COUNTER(login_failures, "failed logins"),
    COUNTER(login_lockouts, "logins refused because of too many failures"),
    COUNTER(replaced_sessions, "sessions replaced by a newer one of the same device"),
    COUNTER(duplicate_ids, "changes between two machines with one UUID"),
    COUNTER(idle_timeouts, "sessions ended by the idle limit"),
    COUNTER(protocol_errors, "sessions ended by a protocol error"),
    COUNTER(http_requests, "HTTP requests on CIRA ports"),
    COUNTER(keepalives_in, "KEEPALIVE_REQUEST received"),
    COUNTER(messages_in_bytes, "APF bytes received"),
    COUNTER(messages_out_bytes, "APF bytes sent"),
    COUNTER(channels_opened, "channels opened"),
    COUNTER(channels_refused, "channels refused by devices"),
    GAUGE(channels_open, "channels open now"),
    COUNTER(window_overruns, "CHANNEL_DATA beyond the granted window"),
    COUNTER(window_adjusts_in, "CHANNEL_WINDOW_ADJUST received"),
    COUNTER(window_adjusts_out, "CHANNEL_WINDOW_ADJUST sent"),
    COUNTER(unknown_channel, "messages for unknown channels"),
    COUNTER(stray_closes, "CHANNEL_CLOSE for closed channels"),
    { .name = NULL },
};
