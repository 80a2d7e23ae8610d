/*
 * The USB key file setup.bin (activation.md 9): a header record and data records of 512 bytes, each with
 * variables for the BIOS extension. What the variables mean is in variables.h, which of them may stand
 * together in rules.h.
 */
#ifndef AMTLAB_PROTOCOL_SETUPBIN_CODEC_H
#define AMTLAB_PROTOCOL_SETUPBIN_CODEC_H

#include "base/cursor.h"
#include "base/diag.h"

#define SETUPBIN_CHUNK_BYTES   512u
#define SETUPBIN_BODY_BYTES    488u /* of a record, behind its 24 bytes of header */
#define SETUPBIN_VARIABLES_MAX 61u  /* of 8 bytes each in one body */
#define SETUPBIN_MODULES_MAX   8u
#define SETUPBIN_VERSION_MAX   4u

enum setupbin_file_flag { SETUPBIN_KEEP_RECORDS = 1 };
enum setupbin_record_flag { SETUPBIN_VALID = 1, SETUPBIN_SCRAMBLED = 2 };
enum setupbin_record_type { SETUPBIN_INVALID_RECORD = 0, SETUPBIN_DATA_RECORD = 1 };

struct setupbin_header {
    uint8_t major, minor; /* major 1 to SETUPBIN_VERSION_MAX */
    uint16_t flags;       /* enum setupbin_file_flag */
    uint32_t record_count;
    uint32_t consumed; /* how many records PCs have used up; stays 0 with SETUPBIN_KEEP_RECORDS */
    uint16_t modules[SETUPBIN_MODULES_MAX]; /* in use, in the order of first use */
    uint32_t module_count;
};

struct setupbin_variable {
    uint16_t module, id;
    struct view value; /* in the body of its record */
};

/* A data record, its body unscrambled. Variables are in the order of the file. */
struct setupbin_record {
    uint32_t type;  /* enum setupbin_record_type */
    uint32_t flags; /* enum setupbin_record_flag */
    uint32_t number;
    uint8_t body[SETUPBIN_BODY_BYTES];
    uint32_t used; /* bytes of the body that variables take */
    struct setupbin_variable variables[SETUPBIN_VARIABLES_MAX];
    uint32_t count;
};

/* What can be wrong with a file; the sentences are in faults.c. */
enum setupbin_fault_code {
    SETUPBIN_SOUND,
    /* the file cannot be read */
    SETUPBIN_TOO_SHORT,
    SETUPBIN_ODD_SIZE,
    SETUPBIN_UNKNOWN_GUID,
    SETUPBIN_OTHER_VERSION,
    SETUPBIN_HEADER_CHUNKS,
    SETUPBIN_HEADER_BYTES,
    SETUPBIN_MODULE_LIST,
    SETUPBIN_RECORD_CHUNKS,
    SETUPBIN_RECORD_COUNT,
    SETUPBIN_CONSUMED,
    SETUPBIN_RECORD_TYPE,
    SETUPBIN_RECORD_HEADER,
    SETUPBIN_VARIABLE_OVERRUN,
    /* a record breaks a rule: a BIOS refuses it */
    SETUPBIN_WRONG_SIZE,
    SETUPBIN_TOO_LONG,
    SETUPBIN_BAD_VALUE,
    SETUPBIN_BAD_TEXT,
    SETUPBIN_WEAK_PASSWORD,
    SETUPBIN_NO_PASSWORD,
    SETUPBIN_ADMIN_STAYS,
    SETUPBIN_TWICE,
    SETUPBIN_NEEDS_VERSION_3,
    SETUPBIN_FEATURE_TOO_LATE,
    SETUPBIN_HASHES_NOT_SWITCHED_ON,
    SETUPBIN_HELLO_TOO_EARLY,
    SETUPBIN_SHARED_WITHOUT_HOST,
    SETUPBIN_BAD_HASH,
    SETUPBIN_PID_CHECK,
    SETUPBIN_PPS_CHECK,
    SETUPBIN_HALF_A_KEY,
    /* worth knowing; nothing is refused for it */
    SETUPBIN_FIRST_WARNING_,
    SETUPBIN_UNKNOWN_VARIABLE = SETUPBIN_FIRST_WARNING_,
    SETUPBIN_NEWER_VARIABLE,
    SETUPBIN_UNSORTED,
    SETUPBIN_RECORD_NUMBER,
    SETUPBIN_MANY_HASHES,
    SETUPBIN_FAULT_COUNT_
};

struct setupbin_fault {
    enum setupbin_fault_code code;
    uint32_t record;     /* from 1; 0: the header record */
    uint16_t module, id; /* of the variable; 0: none */
    uint32_t offset;     /* in the file */
    uint32_t found, allowed;
};
bool setupbin_is_warning(enum setupbin_fault_code code);
/* Says what is wrong, at which record, variable and offset, and what to do. Returns AMT_EMALFORMED. */
enum amt_err setupbin_describe(const struct setupbin_fault *fault, struct amt_diag *diag);

/* Reads the header record of the whole file in[0, len). AMT_EMALFORMED with fault (never NULL). */
enum amt_err setupbin_decode_header(const uint8_t *in, uint32_t len, struct setupbin_header *out,
                                    struct setupbin_fault *fault) AMT_MUST_USE;
/* Reads data record `index`, from 0, below header->record_count. A record of another type than
 * SETUPBIN_DATA_RECORD has no variables. AMT_EMALFORMED with fault. */
enum amt_err setupbin_decode_record(const uint8_t *in, uint32_t len,
                                    const struct setupbin_header *header, uint32_t index,
                                    struct setupbin_record *out,
                                    struct setupbin_fault *fault) AMT_MUST_USE;

/* Starts a valid data record without variables. */
void setupbin_record_init(struct setupbin_record *record, bool is_scrambled);
/* Puts a variable behind the others. AMT_ETOOBIG: the record has no room for it. */
enum amt_err setupbin_add(struct setupbin_record *record, uint16_t module, uint16_t id,
                          const void *value, uint32_t len) AMT_MUST_USE;
/* The order of files: by module, then variable; equal ones stay in their order. */
void setupbin_sort(struct setupbin_record *record);
/* Adds the modules of a record to the header's list (before sorting: files keep the first use).
 * AMT_ELIMIT: more than SETUPBIN_MODULES_MAX. */
enum amt_err setupbin_note_modules(struct setupbin_header *header,
                                   const struct setupbin_record *record) AMT_MUST_USE;
/* NULL: the record has no such variable. */
const struct setupbin_variable *setupbin_find(const struct setupbin_record *record, uint16_t module,
                                              uint16_t id);

/* Writes header and records[0, header->record_count) (their numbers are set) into out[0, cap); returns
 * the bytes it takes. When that is above cap, what stands in out means nothing. */
uint32_t setupbin_encode(const struct setupbin_header *header,
                         const struct setupbin_record *records, uint8_t *out, uint32_t cap);
/* In place: as a BIOS marks in the file that one more record is used up. in is a file that decoded. */
void setupbin_mark_consumed(uint8_t *in, uint32_t len, uint32_t consumed);

#endif
