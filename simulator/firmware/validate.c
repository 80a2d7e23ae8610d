#include "simulator/firmware/validate.h"

#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/memory.h"

static bool is_number(const char *text, uint64_t max)
{
    uint64_t value;
    for (const char *c = text; *c != '\0'; c++) {
        if (*c < '0' || *c > '9') { /* no 0x: that is ours, not the wire's */
            return false;
        }
    }
    return text_parse_u64(text, max, &value) == AMT_OK;
}

static bool is_signed(const char *text, uint64_t max)
{
    return text[0] == '-' ? is_number(text + 1, max + 1) : is_number(text, max);
}

static bool is_boolean(const char *text)
{
    static const char *const k_words[] = { "true", "false", "1", "0", "True", "False" };
    for (size_t i = 0; i < sizeof k_words / sizeof k_words[0]; i++) {
        if (strcmp(text, k_words[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_real(const char *text)
{
    char *end;
    (void)strtod(text, &end);
    return end != text && *end == '\0';
}

static bool is_hex(const char *text)
{
    size_t len = strspn(text, "0123456789abcdefABCDEF");
    return text[len] == '\0' && len % 2 == 0;
}

static bool is_base64(const char *text)
{
    size_t len = strlen(text);
    size_t count;
    uint8_t *bytes = amt_alloc(BASE64_BYTES(len));
    bool is_good = bytes != NULL && base64_decode(text, len, bytes, &count) == AMT_OK;
    amt_free(bytes);
    return is_good;
}

/* YYYY-MM-DDThh:mm:ss and what may follow, or an interval P…; a property null is an empty text. */
static bool is_moment(const struct wsman_value *value)
{
    const char *text = value->text;
    static const char k_form[] = "dddd-dd-ddTdd:dd:dd";
    if (text[0] == '\0' || (text[0] == 'P' && value->kind != WSMAN_DATETIME)) {
        return true;
    }
    for (size_t i = 0; k_form[i] != '\0'; i++) {
        bool is_digit = text[i] >= '0' && text[i] <= '9';
        if (k_form[i] == 'd' ? !is_digit : text[i] != k_form[i]) {
            return false;
        }
    }
    return true;
}

static bool is_plain(const struct wsman_value *value)
{
    return value->kind == WSMAN_TEXT;
}

static const char *wrong_text(enum class_type type, const char *text)
{
    switch (type) {
    case TYPE_BOOLEAN:
        return is_boolean(text) ? NULL : "not true or false";
    case TYPE_UINT8:
        return is_number(text, UINT8_MAX) ? NULL : "not a number from 0 to 255";
    case TYPE_UINT16:
        return is_number(text, UINT16_MAX) ? NULL : "not a number from 0 to 65535";
    case TYPE_UINT32:
        return is_number(text, UINT32_MAX) ? NULL : "not a number from 0 to 4294967295";
    case TYPE_UINT64:
        return is_number(text, UINT64_MAX) ? NULL : "not a whole number";
    case TYPE_SINT8:
        return is_signed(text, INT8_MAX) ? NULL : "not a number from -128 to 127";
    case TYPE_SINT16:
        return is_signed(text, INT16_MAX) ? NULL : "not a number of 16 bits";
    case TYPE_SINT32:
        return is_signed(text, INT32_MAX) ? NULL : "not a number of 32 bits";
    case TYPE_SINT64:
        return is_signed(text, INT64_MAX) ? NULL : "not a number of 64 bits";
    case TYPE_REAL64:
        return is_real(text) ? NULL : "not a number";
    case TYPE_BASE64:
        return is_base64(text) ? NULL : "not strict base64"; /* WSM-057 */
    case TYPE_HEX:
        return is_hex(text) ? NULL : "not pairs of hexadecimal digits";
    case TYPE_STRING:
    case TYPE_DATETIME:
    case TYPE_REF:
    case TYPE_EMBEDDED:
        break;
    }
    return NULL;
}

/* Lists of realms come as repeated numbers or as one element with RealmValue children (wsman.md 4.11);
 * the method reads the numbers. */
static bool is_realm_list(const struct class_property *property, const struct wsman_value *value)
{
    return property->is_array && value->kind == WSMAN_EMBEDDED &&
           strcmp(property->name, "Realms") == 0;
}

static const char *wrong_value(const struct class_property *property,
                               const struct wsman_value *value)
{
    if (is_realm_list(property, value)) {
        return NULL;
    }
    bool is_null = is_plain(value) && value->text[0] == '\0';
    switch (property->type) {
    case TYPE_REF:
        return value->kind == WSMAN_REF || is_null ? NULL : "not an endpoint reference";
    case TYPE_EMBEDDED:
        return value->kind == WSMAN_EMBEDDED || is_null ? NULL : "not an embedded instance";
    case TYPE_DATETIME:
        return value->kind <= WSMAN_INTERVAL && is_moment(value) ? NULL
                                                                 : "not a date or an interval";
    case TYPE_STRING:
    case TYPE_BOOLEAN:
    case TYPE_UINT8:
    case TYPE_UINT16:
    case TYPE_UINT32:
    case TYPE_UINT64:
    case TYPE_SINT8:
    case TYPE_SINT16:
    case TYPE_SINT32:
    case TYPE_SINT64:
    case TYPE_REAL64:
    case TYPE_BASE64:
    case TYPE_HEX:
        break;
    }
    if (!is_plain(value)) {
        return "a text is expected";
    }
    return wrong_text(property->type, value->text);
}

const char *validate_values(const struct class_property *property, const struct wsman_value *values)
{
    if (!property->is_array && values != NULL && values->next != NULL) {
        return "more than one value";
    }
    for (const struct wsman_value *value = values; value != NULL; value = value->next) {
        const char *wrong = wrong_value(property, value);
        if (wrong != NULL) {
            return wrong;
        }
    }
    return NULL;
}

static const struct class_property *find(const struct class_property *properties, uint32_t count,
                                         const char *name)
{
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(properties[i].name, name) == 0) {
            return &properties[i];
        }
    }
    return NULL;
}

static enum wsman_fault check_embedded(const struct wsman_value *value,
                                       const struct class_property *property)
{
    const struct class_description *inner =
        property->embedded == NULL ? NULL : class_find(property->embedded);
    for (; value != NULL && inner != NULL; value = value->next) {
        enum wsman_fault fault =
            value->kind != WSMAN_EMBEDDED
                ? WSMAN_OK
                : validate_body(value->embedded, inner->name, inner->properties,
                                inner->property_count, false);
        if (fault != WSMAN_OK) {
            return fault;
        }
    }
    return WSMAN_OK;
}

enum wsman_fault validate_body(const struct wsman_instance *body, const char *class_name,
                               const struct class_property *properties, uint32_t count,
                               bool is_method)
{
    for (const struct wsman_property *p = body->first; p != NULL; p = p->next) {
        const struct class_property *property = find(properties, count, p->name);
        if (property == NULL || p->ns == NULL || !wsman_uri_is_class(p->ns, class_name)) {
            return WSMAN_SCHEMA_VALIDATION_ERROR;
        }
        if (validate_values(property, p->values) != NULL) {
            return is_method ? WSMAN_INVALID_PARAMETER : WSMAN_SCHEMA_VALIDATION_ERROR;
        }
        enum wsman_fault fault = check_embedded(p->values, property);
        if (fault != WSMAN_OK) {
            return fault;
        }
    }
    for (uint32_t i = 0; is_method && i < count; i++) {
        if (properties[i].is_required && !wsman_has(body, properties[i].name)) {
            return WSMAN_SCHEMA_VALIDATION_ERROR;
        }
    }
    return WSMAN_OK;
}
