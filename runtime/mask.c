#include "runtime/mask.h"

#include <string.h>

#define HIDDEN '*'

/* Session manager of redirection (redirection.md 2, 3) */
#define START_SESSION        0x10u
#define START_SESSION_BYTES  8u
#define END_SESSION          0x12u
#define END_SESSION_BYTES    4u
#define AUTHENTICATE         0x13u
#define AUTHENTICATE_HEADER  9u
#define METHOD_AT            4u
#define LENGTH_AT            5u
#define METHOD_PLAIN         1u
#define METHOD_DIGEST        3u
#define METHOD_DIGEST_QOP    4u
#define PLAIN_PASSWORD_FIELD 1u
#define DIGEST_ANSWER_FIELD  6u

static char lower(uint8_t c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static void collect(struct mask *m, uint8_t c)
{
    if (m->name_len < MASK_NAME_BYTES - 1) {
        m->name[m->name_len++] = lower(c);
        m->name[m->name_len] = '\0';
    }
}

static void forget(struct mask *m)
{
    m->name_len = 0;
    m->name[0] = '\0';
}

/* Names of wsman.md that hold secrets: DigestPassword, RFBPassword, PSKPassPhrase, PSKValue, KeyBlob ...
 * but not PasswordModel, which is a number. */
static bool is_secret_element(const struct mask *m)
{
    static const char *const k_parts[] = { "password", "passphrase", "pskvalue", "presharedkey",
                                           "keyblob",  "masterkey",  "secret",   "privatekey" };
    for (uint32_t i = 0; i < sizeof k_parts / sizeof k_parts[0]; i++) {
        if (strstr(m->name, k_parts[i]) != NULL) {
            return strcmp(m->name, "passwordmodel") != 0;
        }
    }
    return false;
}

static bool is_credentials_header(const struct mask *m)
{
    return strcmp(m->name, "authorization") == 0 || strcmp(m->name, "proxy-authorization") == 0;
}

static void text_byte(struct mask *m, uint8_t c)
{
    if (c == '<') {
        m->state = MASK_TAG;
        m->is_closing = false;
        forget(m);
    } else if (c == '\n') {
        forget(m);
    } else if (c == ':' && is_credentials_header(m)) {
        m->state = MASK_HEADER;
        forget(m);
    } else {
        collect(m, c);
    }
}

static void tag_byte(struct mask *m, uint8_t c)
{
    bool ends_name = c == ' ' || c == '\t' || c == '\r' || c == '\n';
    if (c == '>') {
        m->state = !m->is_closing && is_secret_element(m) ? MASK_SECRET : MASK_TEXT;
    } else if (c == '/') {
        m->is_closing = true; /* </name> or <name/> */
    } else if (m->state == MASK_TAG_REST) {
        m->is_closing = false; /* a '/' inside an attribute */
    } else if (ends_name) {
        m->state = MASK_TAG_REST;
    } else if (c == ':') {
        forget(m); /* the prefix */
    } else {
        collect(m, c);
    }
}

static void header_byte(struct mask *m, uint8_t c)
{
    bool is_blank = c == ' ' || c == '\t';
    if (c == '\n') {
        m->state = MASK_TEXT;
        forget(m);
    } else if (c == '=' && strcmp(m->name, "response") == 0) {
        m->state = MASK_HEADER_SECRET;
        m->is_basic = false;
    } else if (is_blank && strcmp(m->name, "basic") == 0) {
        m->state = MASK_HEADER_SECRET;
        m->is_basic = true;
    } else if (is_blank || c == ',') {
        forget(m);
    } else {
        collect(m, c);
    }
}

static uint8_t header_secret_byte(struct mask *m, uint8_t c)
{
    if (c == '\n' || c == '\r' || (c == ',' && !m->is_basic)) {
        m->state = c == '\n' ? MASK_TEXT : MASK_HEADER;
        forget(m);
        return c;
    }
    return c == '"' || c == ' ' ? c : HIDDEN;
}

/* ---- redirection: messages with known lengths until the session's own protocol takes over ---- */

static bool is_hidden_field(const struct mask *m)
{
    return (m->method == METHOD_PLAIN && m->field == PLAIN_PASSWORD_FIELD) ||
           ((m->method == METHOD_DIGEST || m->method == METHOD_DIGEST_QOP) &&
            m->field == DIGEST_ANSWER_FIELD);
}

static uint8_t authentication_byte(struct mask *m, uint8_t c)
{
    if (m->field_left == 0) { /* a field's length */
        m->field_left = c;
        if (c == 0 && m->field < 255) {
            m->field++;
        }
        return c;
    }
    uint8_t shown = is_hidden_field(m) ? HIDDEN : c;
    if (--m->field_left == 0 && m->field < 255) {
        m->field++;
    }
    return shown;
}

static void message_begins(struct mask *m, uint8_t c)
{
    m->kind = c;
    m->at = 1;
    m->left = c == START_SESSION  ? START_SESSION_BYTES - 1
              : c == END_SESSION  ? END_SESSION_BYTES - 1
              : c == AUTHENTICATE ? AUTHENTICATE_HEADER - 1
                                  : UINT32_MAX; /* the session's own: nothing to hide */
}

static uint8_t redirection_byte(struct mask *m, uint8_t c)
{
    if (m->left == 0) {
        message_begins(m, c);
        return c;
    }
    if (m->left == UINT32_MAX) {
        return c;
    }
    m->left--;
    uint32_t at = m->at < AUTHENTICATE_HEADER ? m->at++ : AUTHENTICATE_HEADER;
    if (m->kind != AUTHENTICATE) {
        return c;
    }
    if (at == AUTHENTICATE_HEADER) {
        return authentication_byte(m, c);
    }
    if (at == METHOD_AT) {
        m->method = c;
    } else if (at == LENGTH_AT) {
        m->field = 0;
        m->field_left = c; /* collects the length, least significant byte first */
    } else if (at > LENGTH_AT) {
        m->field_left |= (uint32_t)c << (at - LENGTH_AT) * 8;
    }
    if (at == AUTHENTICATE_HEADER - 1) {
        m->left = m->field_left == UINT32_MAX ? UINT32_MAX - 1 : m->field_left;
        m->field_left = 0;
    }
    return c;
}

static uint8_t mask_byte(struct mask *m, uint8_t c)
{
    switch (m->state) {
    case MASK_START:
        if (c == START_SESSION) {
            m->state = MASK_REDIRECTION;
            message_begins(m, c);
            return c;
        }
        m->state = MASK_TEXT;
        text_byte(m, c);
        return c;
    case MASK_TEXT:
        text_byte(m, c);
        return c;
    case MASK_TAG:
    case MASK_TAG_REST:
        tag_byte(m, c);
        return c;
    case MASK_SECRET:
        if (c == '<') {
            text_byte(m, c);
            return c;
        }
        return HIDDEN;
    case MASK_HEADER:
        header_byte(m, c);
        return c;
    case MASK_HEADER_SECRET:
        return header_secret_byte(m, c);
    case MASK_REDIRECTION:
        return redirection_byte(m, c);
    }
    return c;
}

void mask_bytes(struct mask *mask, uint8_t *bytes, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++) {
        bytes[i] = mask_byte(mask, bytes[i]);
    }
}
