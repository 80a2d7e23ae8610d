#include "simulator/firmware/identity.h"

#include <stdio.h>
#include <string.h>

#define SERIAL_MAX 32u

/* A stream of its own for every value, so that adding one changes no other. */
static void stream_of(const struct firmware *firmware, const char *purpose,
                      struct amt_random *random)
{
    uint64_t seed = UINT64_C(14695981039346656037); /* FNV-1a over the UUID */
    for (size_t i = 0; i < sizeof firmware->uuid.bytes; i++) {
        seed = (seed ^ firmware->uuid.bytes[i]) * UINT64_C(1099511628211);
    }
    amt_random_seed(random, seed, purpose);
}

void identity_mac(const struct firmware *firmware, enum identity_port port,
                  uint8_t mac[static IDENTITY_MAC_BYTES])
{
    static const uint8_t k_vendor[2][3] = { { 0xc8, 0xd9, 0xd2 }, { 0x80, 0x32, 0x53 } };
    struct amt_random random;
    stream_of(firmware, port == IDENTITY_WIRED ? "mac" : "mac:wifi", &random);
    memcpy(mac, k_vendor[port], 3);
    amt_random_fill(&random, mac + 3, 3);
}

static void put_mac(const struct firmware *firmware, enum identity_port port, bool is_plain,
                    struct text *out)
{
    uint8_t mac[IDENTITY_MAC_BYTES];
    identity_mac(firmware, port, mac);
    for (size_t i = 0; i < sizeof mac; i++) {
        if (is_plain) {
            text_printf(out, "%02X", (unsigned)mac[i]);
        } else {
            text_printf(out, "%s%02x", i == 0 ? "" : "-", (unsigned)mac[i]);
        }
    }
}

/* 10.a.b.c; the gateway of a port's network is its host number 1. */
static void put_address(const struct firmware *firmware, enum identity_port port, bool is_gateway,
                        struct text *out)
{
    struct amt_random random;
    stream_of(firmware, port == IDENTITY_WIRED ? "ip" : "ip:wifi", &random);
    unsigned a = (unsigned)amt_random_below(&random, 256),
             b = (unsigned)amt_random_below(&random, 256);
    unsigned host = 2 + (unsigned)amt_random_below(&random, 252);
    text_printf(out, "10.%u.%u.%u", a, b, is_gateway ? 1 : host);
}

static void put_guid(const struct firmware *firmware, struct text *out)
{
    uint8_t wire[16];
    uuid_to_wire(&firmware->uuid, wire);
    for (size_t i = 0; i < sizeof wire; i++) {
        text_printf(out, "%02X", (unsigned)wire[i]);
    }
}

/* N characters of an alphabet; false for a number that is none. */
static bool put_characters(const struct firmware *firmware, const char *purpose,
                           const char *alphabet, const char *number, struct text *out)
{
    uint64_t count = 0;
    if (text_parse_u64(number, SERIAL_MAX, &count) != AMT_OK) {
        return false;
    }
    struct amt_random random;
    stream_of(firmware, purpose, &random);
    for (uint64_t i = 0; i < count; i++) {
        text_append(out, &alphabet[amt_random_below(&random, strlen(alphabet))], 1);
    }
    return true;
}

/* Writes the value of one name; false for a name that is none of ours. */
static bool put_value(const struct firmware *firmware, const char *name, const char *purpose,
                      struct text *out)
{
    static const struct {
        const char *name;
        void (*put)(const struct firmware *firmware, enum identity_port port, bool flag,
                    struct text *out);
        enum identity_port port;
        bool flag;
    } k_values[] = {
        { "mac", put_mac, IDENTITY_WIRED, false },
        { "mac:wifi", put_mac, IDENTITY_WIRELESS, false },
        { "mac:plain", put_mac, IDENTITY_WIRED, true },
        { "mac:wifi-plain", put_mac, IDENTITY_WIRELESS, true },
        { "ip", put_address, IDENTITY_WIRED, false },
        { "ip:wifi", put_address, IDENTITY_WIRELESS, false },
        { "gateway", put_address, IDENTITY_WIRED, true },
        { "gateway:wifi", put_address, IDENTITY_WIRELESS, true },
    };
    for (size_t i = 0; i < sizeof k_values / sizeof *k_values; i++) {
        if (strcmp(name, k_values[i].name) == 0) {
            k_values[i].put(firmware, k_values[i].port, k_values[i].flag, out);
            return true;
        }
    }
    if (strcmp(name, "guid") == 0) {
        put_guid(firmware, out);
        return true;
    }
    if (strncmp(name, "serial:", 7) == 0) { /* without letters that look like digits */
        return put_characters(firmware, purpose, "0123456789ABCDEFGHJKLMNPRSTUVWXYZ", name + 7,
                              out);
    }
    return strncmp(name, "digits:", 7) == 0 &&
           put_characters(firmware, purpose, "0123456789", name + 7, out);
}

/* Texts in braces that name nothing stay as they are. */
static void expand_text(const struct firmware *firmware, const char *from, const char *purpose,
                        struct text *out)
{
    for (const char *at = from; *at != '\0';) {
        const char *open = strchr(at, '{'), *close = open == NULL ? NULL : strchr(open, '}');
        if (close == NULL) {
            text_puts(out, at);
            return;
        }
        text_append(out, at, (size_t)(open - at));
        char name[32];
        size_t len = (size_t)(close - open) - 1;
        bool is_name = len < sizeof name;
        if (is_name) {
            memcpy(name, open + 1, len);
            name[len] = '\0';
            is_name = put_value(firmware, name, purpose, out);
        }
        if (!is_name) {
            text_append(out, open, (size_t)(close - open) + 1);
        }
        at = close + 1;
    }
}

/* What tells the values of one device apart: class, property and the key within the class. */
static void purpose_of(const struct wsman_instance *instance, const char *property,
                       char purpose[static 160])
{
    const char *tag = wsman_get(instance, "Tag");
    const char *id = tag != NULL ? tag : wsman_get(instance, "InstanceID");
    id = id != NULL ? id : wsman_get(instance, "DeviceID");
    (void)snprintf(purpose, 160, "%s.%s.%s", instance->class_name, property, id == NULL ? "" : id);
}

static bool has_brace(const struct wsman_property *property)
{
    for (const struct wsman_value *v = property->values; v != NULL; v = v->next) {
        if (v->kind == WSMAN_TEXT && v->text != NULL && strchr(v->text, '{') != NULL) {
            return true;
        }
    }
    return false;
}

static void expand_property(const struct firmware *firmware, struct wsman_instance *instance,
                            struct wsman_property *property)
{
    char purpose[160];
    purpose_of(instance, property->name, purpose);
    const struct wsman_value *old = property->values;
    property->values = NULL;
    for (const struct wsman_value *v = old; v != NULL; v = v->next) {
        struct text out = { 0 };
        expand_text(firmware, v->text == NULL ? "" : v->text, purpose, &out);
        wsman_add(instance, property->name, text_chars(&out));
        instance->failed = instance->failed || out.failed;
        text_fini(&out);
    }
}

void identity_expand(const struct firmware *firmware, struct wsman_instance *instance)
{
    if (instance == NULL) {
        return;
    }
    for (struct wsman_property *p = instance->first; p != NULL; p = p->next) {
        if (has_brace(p)) {
            expand_property(firmware, instance, p);
        }
    }
}
