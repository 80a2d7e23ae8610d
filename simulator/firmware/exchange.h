/* One WS-Man request from its bytes to its answer: reading, rights, dispatch, the state on disk. */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_EXCHANGE_H
#define AMTLAB_SIMULATOR_FIRMWARE_EXCHANGE_H

#include "simulator/firmware/firmware_internal.h"

/* Exactly once: an HTTP status and the envelope. */
typedef void firmware_reply_fn(void *ctx, int status, const struct text *envelope);

struct firmware_exchange;
/* What came over a door from an authenticated user. reply may come from inside this call; else the
 * exchange is returned, and firmware_exchange_forget stops the reply when the client leaves. NULL when
 * it has been answered. */
struct firmware_exchange *firmware_exchange(struct firmware *firmware,
                                            const struct firmware_user *user,
                                            enum firmware_door door, const char *peer,
                                            const void *bytes, size_t len, firmware_reply_fn *reply,
                                            void *ctx);
void firmware_exchange_forget(struct firmware_exchange *exchange);
/* Frees what deferred methods left; after the parts' fini. */
void firmware_exchanges_fini(struct firmware *firmware);

/* What calls have left to do, a moment after their answers (firmware_call.afterwards). */
void firmware_run_afterwards(void *firmware);

/* dispatch.c: what an operation answers; sets call->fault, or writes to body. False: a method answers
 * later by call->finish. */
bool firmware_dispatch(struct firmware_call *call, struct text *body);
/* The answer of a method that has ended, deferred or not. */
void firmware_answer_method(struct firmware_call *call, const struct wsman_instance *output,
                            struct text *body);
/* Head of an answer for a class. */
struct wsman_answer firmware_answer(struct firmware_call *call, const char *class_name);

/* methods.c: calls the method of the request on target. Its output with ReturnValue; NULL with a fault, or when it
 * is deferred (call->is_deferred). */
struct wsman_instance *firmware_invoke(struct firmware_call *call,
                                       const struct wsman_instance *target);
/* Puts ReturnValue and, for a failure, the empty reference of wsman.md 2.6 into out. */
void firmware_finish_output(struct firmware_call *call, struct wsman_instance *out,
                            uint32_t return_value);

/* enumerate.c */
void firmware_enumerate(struct firmware_call *call, struct text *body);
void firmware_pull(struct firmware_call *call, struct text *body);
void firmware_release(struct firmware_call *call, struct text *body);
enum amt_err enumerations_init(struct firmware *firmware) AMT_MUST_USE;
void enumerations_fini(struct firmware *firmware);

/* rights.c: sets the fault AccessDenied and returns false without the right. */
bool firmware_may_read(struct firmware_call *call);
bool firmware_may_write(struct firmware_call *call);
bool firmware_may_call(struct firmware_call *call, const char *method);

/* state.c */
enum amt_err firmware_state_load(struct firmware *firmware, struct amt_diag *diag) AMT_MUST_USE;
/* AMT_ESYS with diag: nothing on disk has changed then. */
enum amt_err firmware_state_save(struct firmware *firmware, struct amt_diag *diag) AMT_MUST_USE;

/* web.c */
enum amt_err web_init(struct firmware *firmware) AMT_MUST_USE;
void web_fini(struct firmware *firmware);

#endif
