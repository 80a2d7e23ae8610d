#include <stdio.h>
#include <string.h>

#include "simulator/firmware/legality.h"
#include "simulator/firmware/provisioning.h"
#include "simulator/firmware/system_defense_internal.h"

struct system_defense *defense_state(const struct firmware *firmware)
{
    return firmware->system_defense;
}

bool defense_is_legal(struct firmware_call *call)
{
    if (provisioning_mode(call->firmware) == FIRMWARE_ADMIN_CONTROL) {
        return true;
    }
    (void)legality_deny(call, true);
    return false;
}

uint32_t defense_handle(const json_t *entry)
{
    return (uint32_t)json_integer_value(json_object_get(entry, "handle"));
}

const char *defense_text(const json_t *entry, const char *key)
{
    const char *text = json_string_value(json_object_get(entry, key));
    return text == NULL ? "" : text;
}

void defense_format_id(const json_t *entry, bool is_filter, char id[static 64])
{
    (void)snprintf(id, 64, "Intel(r) AMT System Defense %s %u", is_filter ? "Filter" : "Policy",
                   (unsigned)defense_handle(entry));
}

int defense_find(const json_t *entries, bool is_filter, const char *instance_id)
{
    size_t at;
    json_t *entry;
    json_array_foreach((json_t *)(uintptr_t)entries, at, entry)
    {
        char id[64];
        defense_format_id(entry, is_filter, id);
        if (instance_id != NULL && strcmp(id, instance_id) == 0) {
            return (int)at;
        }
    }
    return -1;
}

void defense_fail(struct firmware_call *call, enum wsman_fault fault, const char *detail)
{
    (void)firmware_fault(call, fault, detail);
}

static void defense_fini(struct firmware *firmware)
{
    struct system_defense *state = defense_state(firmware);
    if (state != NULL) {
        json_decref(state->filters);
        json_decref(state->policies);
    }
    amt_free(state);
    firmware->system_defense = NULL;
}

static enum amt_err defense_init(struct firmware *firmware)
{
    struct system_defense *state = amt_alloc(sizeof *state);
    firmware->system_defense = state;
    if (state == NULL) {
        return AMT_ENOMEM;
    }
    state->filters = json_array();
    state->policies = json_array();
    state->next_handle = 1;
    return state->filters == NULL || state->policies == NULL ? AMT_ENOMEM : AMT_OK;
}

static void defense_unprovision(struct firmware *firmware, bool is_partial)
{
    (void)is_partial;
    struct system_defense *state = defense_state(firmware);
    (void)json_array_clear(state->filters);
    (void)json_array_clear(state->policies);
    state->next_handle = 1;
    state->reset_s = 0;
}

static json_t *defense_save(struct firmware *firmware)
{
    const struct system_defense *state = defense_state(firmware);
    return json_pack("{so so sI sI}", "filters", json_deep_copy(state->filters), "policies",
                     json_deep_copy(state->policies), "next_handle", (json_int_t)state->next_handle,
                     "reset_s", (json_int_t)state->reset_s);
}

static bool entries_fit(const json_t *entries, bool are_filters)
{
    size_t at;
    json_t *entry;
    json_array_foreach((json_t *)(uintptr_t)entries, at, entry)
    {
        const struct class_description *class = class_find(defense_text(entry, "class"));
        if (!json_is_integer(json_object_get(entry, "handle")) ||
            !json_is_object(json_object_get(entry, "settings")) ||
            (are_filters ? class == NULL : !json_is_array(json_object_get(entry, "ports")))) {
            return false;
        }
    }
    return json_is_array(entries);
}

static enum amt_err defense_load(struct firmware *firmware, const json_t *from,
                                 struct amt_diag *diag)
{
    struct system_defense *state = defense_state(firmware);
    json_t *filters, *policies;
    json_int_t next_handle, reset_s;
    if (json_unpack((json_t *)(uintptr_t)from, "{so so sI sI}", "filters", &filters, "policies",
                    &policies, "next_handle", &next_handle, "reset_s", &reset_s) != 0 ||
        !entries_fit(filters, true) || !entries_fit(policies, false) || next_handle < 1 ||
        next_handle > UINT32_MAX || reset_s < 0) {
        return amt_diag_set(diag, AMT_ECONFIG,
                            "the system defense settings in the state are damaged");
    }
    json_decref(state->filters);
    json_decref(state->policies);
    state->filters = json_deep_copy(filters);
    state->policies = json_deep_copy(policies);
    state->next_handle = (uint32_t)next_handle;
    state->reset_s = (uint64_t)reset_s;
    return state->filters == NULL || state->policies == NULL ? AMT_ENOMEM : AMT_OK;
}

static const struct firmware_behaviour k_behaviours[] = {
    { .class_name = "AMT_Hdr8021Filter",
      .list = defense_list_hdr8021,
      .create = defense_create_filter,
      .remove = defense_remove_filter },
    { .class_name = "AMT_IPHeadersFilter",
      .list = defense_list_ip,
      .create = defense_create_filter,
      .remove = defense_remove_filter },
    { .class_name = "AMT_SystemDefensePolicy",
      .list = defense_list_policies,
      .put = defense_put_policy,
      .create = defense_create_policy,
      .remove = defense_remove_policy,
      .methods = k_defense_policy_methods },
    { .class_name = "AMT_NetworkPortSystemDefensePolicy",
      .list = defense_list_bindings,
      .create = defense_create_binding,
      .remove = defense_remove_binding },
    { .class_name = "AMT_ActiveFilterStatistics", .list = defense_list_statistics },
    { .class_name = "AMT_FilterInSystemDefensePolicy", .list = defense_list_filters_in_policies },
    { .class_name = NULL },
};

const struct firmware_part k_system_defense_part = {
    .name = "system_defense",
    .init = defense_init,
    .fini = defense_fini,
    .unprovision = defense_unprovision,
    .save = defense_save,
    .load = defense_load,
    .behaviours = k_behaviours,
};
