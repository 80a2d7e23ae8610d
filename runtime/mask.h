/*
 * Secrets in what passes a channel, overwritten with '*' where they stand, so that every length stays:
 * credentials in HTTP Authorization headers (Basic: all; Digest: the response, from which a password can
 * be guessed), texts of XML elements whose name speaks of a password, passphrase or key, and the answers
 * to redirection's own authentication (redirection.md 3). One struct per direction of a stream, in any
 * cutting. What people type into a serial console cannot be told from other text.
 */
#ifndef AMTLAB_RUNTIME_MASK_H
#define AMTLAB_RUNTIME_MASK_H

#include <stdbool.h>
#include <stdint.h>

#define MASK_NAME_BYTES 48u

enum mask_state {
    MASK_START, /* nothing has come */
    MASK_TEXT,
    MASK_TAG,      /* collects the name behind '<' */
    MASK_TAG_REST, /* attributes */
    MASK_SECRET,   /* the text of an element */
    MASK_HEADER,   /* the value of an Authorization header */
    MASK_HEADER_SECRET,
    MASK_REDIRECTION
};

/* Zero-initialised is the beginning of a stream. */
struct mask {
    enum mask_state state;
    char name[MASK_NAME_BYTES]; /* lower case: tag, header line or parameter so far */
    uint32_t name_len;
    bool is_basic; /* HEADER_SECRET: to the end of the line */
    bool is_closing;
    /* redirection: position in the message, bytes left in it, field of the authentication data */
    uint8_t kind, method, field;
    uint32_t at, left, field_left;
};

void mask_bytes(struct mask *mask, uint8_t *bytes, uint32_t len);

#endif
