/* The sentences for what can be wrong with a setup.bin. */
#include <stdio.h>
#include <string.h>

#include "protocol/setupbin/variables.h"

enum numbers { NONE, FOUND, BOTH };

struct sentence {
    const char *text;
    enum numbers numbers; /* which numbers of the fault belong to it */
    const char *hint;
    const char *requirement;
};

#define DAMAGED "make the file anew; a copy may have been cut or converted"
#define FORM    "ACT-DEV-048"
static const struct sentence k_sentences[SETUPBIN_FAULT_COUNT_] = {
    [SETUPBIN_SOUND] = { "nothing is wrong", NONE, "", NULL },
    [SETUPBIN_TOO_SHORT] = { "the file is too short for a header record", BOTH, DAMAGED, FORM },
    [SETUPBIN_ODD_SIZE] = { "the size of the file is no multiple of 512 bytes", FOUND, DAMAGED,
                            FORM },
    [SETUPBIN_UNKNOWN_GUID] = { "the file type GUID is none of setup.bin, versions 1 to 4", NONE,
                                "is this another kind of file?", FORM },
    [SETUPBIN_OTHER_VERSION] = { "the version number contradicts the file type GUID", BOTH, DAMAGED,
                                 FORM },
    [SETUPBIN_HEADER_CHUNKS] = { "the header record is not one chunk of 512 bytes", BOTH, DAMAGED,
                                 FORM },
    [SETUPBIN_HEADER_BYTES] = { "the header byte count does not fit the list of modules", BOTH,
                                DAMAGED, FORM },
    [SETUPBIN_MODULE_LIST] = { "the list of modules is too long or has no end", BOTH, DAMAGED,
                               FORM },
    [SETUPBIN_RECORD_CHUNKS] = { "data records are not one chunk of 512 bytes each", BOTH, DAMAGED,
                                 FORM },
    [SETUPBIN_RECORD_COUNT] = { "the count of data records is not what the file holds", BOTH,
                                DAMAGED, FORM },
    [SETUPBIN_CONSUMED] = { "more records are marked as consumed than there are", BOTH, DAMAGED,
                            FORM },
    [SETUPBIN_RECORD_TYPE] = { "the record has an unknown type", BOTH, DAMAGED, FORM },
    [SETUPBIN_RECORD_HEADER] = { "the header byte count of the record is wrong", BOTH, DAMAGED,
                                 FORM },
    [SETUPBIN_VARIABLE_OVERRUN] = { "the variable is longer than its record", BOTH, DAMAGED, FORM },
    [SETUPBIN_WRONG_SIZE] = { "the variable has the wrong number of bytes", BOTH, "", NULL },
    [SETUPBIN_TOO_LONG] = { "the variable has too many bytes", BOTH, "", NULL },
    [SETUPBIN_BAD_VALUE] = { "the variable has a value that does not exist", FOUND, "", NULL },
    [SETUPBIN_BAD_TEXT] = { "the text has characters that are not printable ASCII", NONE, "",
                            NULL },
    [SETUPBIN_WEAK_PASSWORD] = { "the new MEBx password is too weak", NONE,
                                 "8 to 32 characters with a digit, an upper and a lower case "
                                 "letter and a special character, without : , and \"",
                                 NULL },
    [SETUPBIN_NO_PASSWORD] = { "the record does not give the current MEBx password", NONE,
                               "variable 1,1; a PC that was never set up has the password admin",
                               NULL },
    [SETUPBIN_ADMIN_STAYS] = { "the factory password admin is not followed by a new one", NONE,
                               "add a new MEBx password (variable 1,2)", NULL },
    [SETUPBIN_TWICE] = { "the variable is there a second time", NONE, "", NULL },
    [SETUPBIN_NEEDS_VERSION_3] = { "the variable needs file version 3", BOTH,
                                   "make a file of version 3, which AMT 6 and later read",
                                   "ACT-DEV-049" },
    [SETUPBIN_FEATURE_TOO_LATE] = { "the manageability feature stands behind variables of AMT",
                                    NONE, "in version 2 it must come before them", NULL },
    [SETUPBIN_HASHES_NOT_SWITCHED_ON] = { "a hash is added before the hashes of the user are "
                                          "enabled",
                                          NONE, "in version 2, variable 2,7 must come before 2,8",
                                          NULL },
    [SETUPBIN_HELLO_TOO_EARLY] = { "the variable stands behind 2,28, which starts or halts hello "
                                   "messages",
                                   NONE, "2,28 must come after 2,3, 2,4 and 2,17", NULL },
    [SETUPBIN_SHARED_WITHOUT_HOST] = { "AMT shares the name of the PC, but the record does not "
                                       "give it",
                                       NONE, "add the host name (variable 2,11)", NULL },
    [SETUPBIN_BAD_HASH] = { "the root hash is malformed: algorithm, digest, length of the name, "
                            "name",
                            FOUND,
                            "SHA-1 has 20 bytes, SHA-256 32, SHA-384 48; the name at most "
                            "32",
                            NULL },
    [SETUPBIN_PID_CHECK] = { "the check character of the PID is wrong", NONE,
                             "was it mistyped? The 8th character checks the seven before it",
                             NULL },
    [SETUPBIN_PPS_CHECK] = { "a check character of the PPS is wrong, at character", FOUND,
                             "was it mistyped? Each 4th character checks the three before it",
                             NULL },
    [SETUPBIN_HALF_A_KEY] = { "PID and PPS belong together, but only one is there", NONE, "",
                              NULL },
    [SETUPBIN_UNKNOWN_VARIABLE] = { "the variable is not known; a PC may refuse it", NONE, "",
                                    NULL },
    [SETUPBIN_NEWER_VARIABLE] = { "the variable is newer than the version of the file (10 x major "
                                  "+ minor)",
                                  BOTH, "older PCs may refuse the record", NULL },
    [SETUPBIN_UNSORTED] = { "the variables are not in the order of module and number", NONE, "",
                            NULL },
    [SETUPBIN_RECORD_NUMBER] = { "the record has another number than its place", BOTH, "", NULL },
    [SETUPBIN_MANY_HASHES] = { "more root hashes than a PC has room for", BOTH, "", NULL },
};

bool setupbin_is_warning(enum setupbin_fault_code code)
{
    return code >= SETUPBIN_FIRST_WARNING_;
}

static void name_place(const struct setupbin_fault *fault, char *out, size_t cap)
{
    const struct setupbin_meaning *meaning = setupbin_meaning(fault->module, fault->id);
    if (fault->record == 0) {
        (void)snprintf(out, cap, "header record, offset 0x%x", fault->offset);
    } else if (fault->module == 0) {
        (void)snprintf(out, cap, "record %u, offset 0x%x", fault->record, fault->offset);
    } else {
        (void)snprintf(out, cap, "record %u, variable %u,%u (%s), offset 0x%x", fault->record,
                       fault->module, fault->id, meaning == NULL ? "unknown" : meaning->title,
                       fault->offset);
    }
}

enum amt_err setupbin_describe(const struct setupbin_fault *fault, struct amt_diag *diag)
{
    const struct sentence *sentence =
        &k_sentences[(uint32_t)fault->code < SETUPBIN_FAULT_COUNT_ ? fault->code : SETUPBIN_SOUND];
    char place[160], numbers[64] = "";
    name_place(fault, place, sizeof place);
    if (sentence->numbers == FOUND) {
        (void)snprintf(numbers, sizeof numbers, " (%u)", fault->found);
    } else if (sentence->numbers == BOTH) {
        (void)snprintf(numbers, sizeof numbers, " (%u, not %u)", fault->found, fault->allowed);
    }
    (void)amt_diag_set(diag, AMT_EMALFORMED, "%s: %s%s", place, sentence->text, numbers);
    if (sentence->hint[0] != '\0') {
        (void)amt_diag_hint(diag, "%s", sentence->hint);
    }
    if (diag != NULL) {
        diag->requirement = sentence->requirement;
    }
    return AMT_EMALFORMED;
}
