/* Which redirection sessions are open: wsman.md 4.12, redirection.md 9. */
#include "simulator/firmware/audit_log.h"
#include "simulator/firmware/consent_internal.h"
#include "simulator/firmware/user_alerts.h"

struct kind_facts {
    const char *name;
    uint16_t opened_event; /* of the application Redirection Manager; the next one: closed */
    enum user_alert started, stopped;
};
static const struct kind_facts k_kinds[REDIRECTION_KINDS] = {
    [REDIRECTION_IDER] = { "ider", 0, USER_ALERT_IDER_STARTED, USER_ALERT_IDER_STOPPED },
    [REDIRECTION_SOL] = { "sol", 4, USER_ALERT_SOL_STARTED, USER_ALERT_SOL_STOPPED },
    [REDIRECTION_KVM] = { "kvm", 8, USER_ALERT_KVM_STARTED, USER_ALERT_KVM_STOPPED },
};

bool redirection_is_open(const struct firmware *firmware, enum redirection_kind kind)
{
    return firmware->consent != NULL && firmware->consent->is_open[kind];
}

bool redirection_any_open(const struct firmware *firmware)
{
    for (uint32_t kind = 0; kind < REDIRECTION_KINDS; kind++) {
        if (redirection_is_open(firmware, (enum redirection_kind)kind)) {
            return true;
        }
    }
    return false;
}

bool redirection_session_began(struct firmware *firmware, enum redirection_kind kind,
                               const char *peer)
{
    struct consent *consent = firmware->consent;
    if (consent->is_open[kind]) {
        return false;
    }
    consent->is_open[kind] = true;
    LOG(firmware->log, LOG_INFO, "redirection.opened", log_text("uuid", firmware->uuid_text),
        log_text("kind", k_kinds[kind].name), log_text("peer", peer));
    const struct firmware_call call = { .firmware = firmware, .peer = peer };
    audit_log_add(firmware, peer == NULL ? NULL : &call, AUDIT_REDIRECTION,
                  k_kinds[kind].opened_event, NULL, 0);
    user_alert(firmware, k_kinds[kind].started);
    consent_session_began(firmware);
    return true;
}

void redirection_session_ended(struct firmware *firmware, enum redirection_kind kind)
{
    struct consent *consent = firmware->consent;
    if (!consent->is_open[kind]) {
        return;
    }
    consent->is_open[kind] = false;
    LOG(firmware->log, LOG_INFO, "redirection.closed", log_text("uuid", firmware->uuid_text),
        log_text("kind", k_kinds[kind].name));
    audit_log_add(firmware, NULL, AUDIT_REDIRECTION, (uint16_t)(k_kinds[kind].opened_event + 1),
                  NULL, 0);
    user_alert(firmware, k_kinds[kind].stopped);
    if (kind == REDIRECTION_KVM) {
        screens_session_ended(firmware);
        kvm_channel_fini(firmware);
    }
    consent_session_ended(firmware);
}

void redirection_end(struct firmware *firmware, uint32_t kinds)
{
    uint32_t open = 0;
    for (uint32_t kind = 0; kind < REDIRECTION_KINDS; kind++) {
        if (firmware->consent->is_open[kind]) {
            open |= kinds & (1u << kind);
        }
    }
    if (open == 0) {
        return;
    }
    if (firmware->hooks.end_redirection != NULL) {
        firmware->hooks.end_redirection(firmware->hooks.ctx, open);
    }
    for (uint32_t kind = 0; kind < REDIRECTION_KINDS; kind++) {
        if ((open & (1u << kind)) != 0) {
            redirection_session_ended(firmware, (enum redirection_kind)kind);
        }
    }
}

/* One association per open session: the port it came in by, and what serves it. */
static struct wsman_instance *list_ports(struct firmware_call *call, enum redirection_kind kind,
                                         const char *class_name, const char *service_class)
{
    if (!call->firmware->consent->is_open[kind]) {
        return NULL;
    }
    const struct wsman_instance *port = firmware_instances(call, "CIM_EthernetPort");
    const struct wsman_instance *service = firmware_instances(call, service_class);
    if (port == NULL || service == NULL) {
        return NULL;
    }
    struct wsman_instance *link = firmware_instance_new(call, class_name);
    wsman_set_ref(link, "Antecedent", firmware_ref_to(call, port));
    wsman_set_ref(link, "Dependent", firmware_ref_to(call, service));
    return link;
}

struct wsman_instance *redirection_list_ider_ports(struct firmware_call *call)
{
    return list_ports(call, REDIRECTION_IDER, "IPS_IderSessionUsingPort", "AMT_RedirectionService");
}

struct wsman_instance *redirection_list_kvm_ports(struct firmware_call *call)
{
    return list_ports(call, REDIRECTION_KVM, "IPS_KvmSessionUsingPort", "CIM_KVMRedirectionSAP");
}

struct wsman_instance *redirection_list_sol_ports(struct firmware_call *call)
{
    return list_ports(call, REDIRECTION_SOL, "IPS_SolSessionUsingPort", "AMT_RedirectionService");
}
