/* The one error enum of the project, and the macro that passes errors up. */
#ifndef AMTLAB_BASE_ERROR_H
#define AMTLAB_BASE_ERROR_H

#define AMT_ERRORS(X)                                    \
    X(AMT_OK, "ok")                                      \
    X(AMT_NEED_MORE, "more input is needed")             \
    X(AMT_ENOMEM, "out of memory")                       \
    X(AMT_ELIMIT, "a configured limit was reached")      \
    X(AMT_ETOOBIG, "a length is above its limit")        \
    X(AMT_EMALFORMED, "malformed input")                 \
    X(AMT_EUNKNOWN, "unknown")                           \
    X(AMT_EEXISTS, "exists already")                     \
    X(AMT_ESTATE, "not allowed in this state")           \
    X(AMT_EAUTH, "authentication refused")               \
    X(AMT_ECERT, "certificate not acceptable")           \
    X(AMT_ETLS, "TLS failure")                           \
    X(AMT_EPEER, "the peer reported an error")           \
    X(AMT_ECLOSED, "connection closed")                  \
    X(AMT_ETIMEOUT, "deadline passed")                   \
    X(AMT_ECONFIG, "configuration or scenario is wrong") \
    X(AMT_ESYS, "system call failed")                    \
    X(AMT_EBUG, "internal error")

enum amt_err {
#define AMT_ERROR_CONSTANT(name, text) name,
    AMT_ERRORS(AMT_ERROR_CONSTANT)
#undef AMT_ERROR_CONSTANT
        AMT_ERROR_COUNT_
};

/* The sentence for an error, for people. Never NULL. */
const char *amt_err_text(enum amt_err err);

#define AMT_MUST_USE                 __attribute__((warn_unused_result))
#define AMT_PRINTF(format_at, first) __attribute__((format(printf, format_at, first)))

/* Passes anything but AMT_OK to the caller. Only for functions that have nothing to release. */
#define TRY(expression)                       \
    do {                                      \
        enum amt_err try_err_ = (expression); \
        if (try_err_ != AMT_OK) {             \
            return try_err_;                  \
        }                                     \
    } while (0)

#endif
