#include "base/error.h"

const char *amt_err_text(enum amt_err err)
{
    static const char *const k_texts[] = {
#define AMT_ERROR_TEXT(name, text) text,
        AMT_ERRORS(AMT_ERROR_TEXT)
#undef AMT_ERROR_TEXT
    };
    if ((unsigned)err >= AMT_ERROR_COUNT_) {
        return "unknown error number";
    }
    return k_texts[err];
}
