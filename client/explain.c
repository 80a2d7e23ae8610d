/* What faults and return values mean, for people (wsman.md 2.8, 4.0). */
#include <stdlib.h>
#include <string.h>

#include "client/wsman.h"

struct meaning {
    const char *subcode, *text, *next;
};
static const struct meaning k_meanings[] = {
    { "DestinationUnreachable", "the class or the instance is not there",
      "this firmware may lack the class (hardware or release), or the selectors name no instance: "
      "enumerate the class" },
    { "AlreadyExists", "there is such an object already", "use put instead of create" },
    { "InvalidRepresentation", "the values are not acceptable",
      "look for a missing or wrong value, or a name that is in use" },
    { "QuotaLimit", "the device has no room or time for one more",
      "remove one (5 alarms at most), or try again later" },
    { "SchemaValidationError", "the body does not fit the class",
      "check names, types and required properties: get the object, change it, put it back" },
    { "InternalError", "the firmware failed inside", "the AMT status tells the reason" },
    { "AccessDenied", "this user may not do that now",
      "the user lacks the realm, or the control mode (client control: user consent) forbids it" },
    { "ActionNotSupported", "the class has no such operation or method",
      "check the name; older firmware has fewer" },
    { "InvalidSelectors", "the selectors do not fit the class",
      "give the key properties: enumerate the class to see them" },
    { "InvalidParameter", "a parameter is not acceptable", "check names and types" },
    { "InvalidEnumerationContext", "the enumeration is over or was forgotten", "start it again" },
    { "FilteringNotSupported", "AMT knows no filters", "enumerate without one" },
    { "UnsupportedFeature", "AMT does not know this feature", "leave it out" },
    { "EncodingLimit", "the request or the answer is too long", "send less at once" },
    { "TimedOut", "the firmware did not finish in time", "try again later" },
    { "Concurrency", "something else is being changed", "try again" },
};

/* "AMT-STATUS 36" in a Detail. */
static bool read_status(const char *detail, uint32_t *status)
{
    static const char k_word[] = "AMT-STATUS ";
    const char *at = strstr(detail, k_word);
    uint64_t value = 0;
    if (at == NULL || text_parse_u64(at + sizeof k_word - 1, UINT32_MAX, &value) != AMT_OK) {
        return false;
    }
    *status = (uint32_t)value;
    return true;
}

void wsman_explain_fault(const struct wsman_reply_fault *fault, struct amt_diag *diag)
{
    const char *name = fault->subcode[0] == '\0' ? fault->code : fault->subcode;
    const struct meaning *meaning = NULL;
    for (size_t i = 0; i < sizeof k_meanings / sizeof k_meanings[0]; i++) {
        if (strcmp(k_meanings[i].subcode, name) == 0) {
            meaning = &k_meanings[i];
        }
    }
    uint32_t status = 0;
    if (read_status(fault->detail, &status)) {
        (void)amt_diag_set(diag, AMT_EPEER, "fault %s: AMT status %u (%s)", name, status,
                           wsman_pt_status_name(status));
    } else {
        (void)amt_diag_set(diag, AMT_EPEER, "fault %s%s%s%s: %s", name,
                           fault->detail[0] == '\0' ? "" : " (", fault->detail,
                           fault->detail[0] == '\0' ? "" : ")",
                           meaning != NULL ? meaning->text : fault->reason);
    }
    if (meaning != NULL) {
        (void)amt_diag_hint(diag, "%s", meaning->next);
    }
}

struct value_name {
    uint32_t value;
    const char *name;
};
#define NAMES_END \
    {             \
        0, NULL   \
    }
static const struct value_name k_state_change[] = { { 0, "done" },
                                                    { 1, "not supported" },
                                                    { 2, "refused" },
                                                    { 3, "timeout" },
                                                    { 4, "failed" },
                                                    { 5, "invalid parameter" },
                                                    { 6, "in use" },
                                                    { 4096, "job started" },
                                                    { 4097, "invalid state transition" },
                                                    { 4098,
                                                      "a timeout parameter is not supported" },
                                                    { 4099, "busy" },
                                                    NAMES_END };
static const struct value_name k_boot[] = { { 0, "done" },
                                            { 1, "not supported" },
                                            { 2, "unspecified error" },
                                            { 3, "busy" },
                                            { 4, "invalid reference" },
                                            { 5, "invalid parameter" },
                                            { 6, "access denied" },
                                            NAMES_END };
static const struct value_name k_setup[] = { { 0, "done" },
                                             { 1, "internal error" },
                                             { 2, "invalid state" },
                                             { 3, "invalid parameter" },
                                             { 4, "method disabled" },
                                             { 5, "authentication failed" },
                                             { 6, "flash write limit exceeded" },
                                             NAMES_END };
static const struct value_name k_chain[] = { { 0, "done" },
                                             { 1, "invalid parameter" },
                                             { 2, "internal error" },
                                             { 3, "invalid state" },
                                             { 4, "certificate verification failed" },
                                             { 5, "chain too long" },
                                             NAMES_END };
static const struct value_name k_opt_in[] = { { 0, "done" },          { 1, "internal error" },
                                              { 2, "invalid state" }, { 3, "blocked" },
                                              { 4, "failed" },        NAMES_END };
static const struct value_name k_wifi[] = { { 0, "done" },
                                            { 1, "not supported" },
                                            { 2, "failed" },
                                            { 3, "invalid parameter" },
                                            { 4, "invalid reference" },
                                            NAMES_END };
static const struct value_name k_log[] = {
    { 0, "done" }, { 1, "not supported" }, { 2, "invalid record" }, NAMES_END
};

/* Which family a method belongs to; the first row that fits. NULL stands for any. */
static const struct family {
    const char *class_name, *method;
    const struct value_name *names;
} k_families[] = {
    { NULL, "RequestStateChange", k_state_change },
    { NULL, "RequestPowerStateChange", k_state_change },
    { NULL, "RequestOSPowerSavingStateChange", k_state_change },
    { NULL, "ChangeBootOrder", k_boot },
    { NULL, "SetBootConfigRole", k_boot },
    { "IPS_HostBasedSetupService", "AddNextCertInChain", k_chain },
    { "IPS_HostBasedSetupService", NULL, k_setup },
    { "IPS_OptInService", NULL, k_opt_in },
    { "AMT_WiFiPortConfigurationService", "AddWiFiSettings", k_wifi },
    { "AMT_WiFiPortConfigurationService", "UpdateWiFiSettings", k_wifi },
    { "AMT_MessageLog", NULL, k_log },
};

static bool is_method(const char *wanted, const char *method)
{
    size_t len = strlen(wanted);
    return strncmp(wanted, method, len) == 0 &&
           (method[len] == '\0' || strcmp(method + len, "_OUTPUT") == 0);
}

static const struct value_name *family_of(const char *class_name, const char *method)
{
    for (size_t i = 0; i < sizeof k_families / sizeof k_families[0]; i++) {
        const struct family *f = &k_families[i];
        if ((f->class_name == NULL || strcmp(f->class_name, class_name) == 0) &&
            (f->method == NULL || is_method(f->method, method))) {
            return f->names;
        }
    }
    return strncmp(class_name, "CIM_", 4) == 0 ? k_state_change : NULL;
}

const char *wsman_return_name(const char *class_name, const char *method, uint32_t value)
{
    const struct value_name *names = family_of(class_name, method);
    for (; names != NULL && names->name != NULL; names++) {
        if (names->value == value) {
            return names->name;
        }
    }
    /* Intel's own reasons where the profile leaves room: 32768 + PT_STATUS (2.8). */
    return wsman_pt_status_name(value >= 32768u ? value - 32768u : value);
}
