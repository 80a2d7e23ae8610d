/*
 * Target files (harness.md 12.3): a product that takes the place of a built-in actor. What it is called,
 * where it listens, who may log in, what it can do, how it shows abstract outcomes, and how it is
 * started when the harness owns the process.
 */
#ifndef AMTLAB_SCENARIOS_ENGINE_TARGET_H
#define AMTLAB_SCENARIOS_ENGINE_TARGET_H

#include <signal.h>

#include "runtime/net.h"
#include "scenarios/engine/secrets.h"
#include "scenarios/engine/value.h"

/* How the harness runs the product itself; command NULL: it does not. */
struct target_start {
    const char *const *command; /* argv, ends with NULL */
    const char *folder;         /* where it runs: that of the target file */
    uint16_t ready_port;        /* accepts connections when it is ready; 0: as soon as it lives */
    uint64_t ready_within_us;
    int stop_signal;
};

struct target_file {
    struct arena pool;
    struct yaml_document *document;
    const char *path, *role, *name, *version; /* version "": not stated */
    struct address address;
    const char *trust, *tls_name;      /* PEM file of roots; Common Name; NULL */
    const struct value *users;         /* LIST of { name, password, uuid }, or NULL */
    const struct value *capabilities;  /* LIST of texts, or NULL: not stated */
    const struct yaml_node *error_map; /* outcome -> expectation or list of them; NULL */
    uint64_t tolerance_us;
    struct target_start start;
    const struct value *console; /* { driver, url, headers }, or NULL */
    struct secrets secrets;      /* passwords, and what env() and file() gave */
};

/* Reads and checks a file. NULL with all errors in errors (AMT_ECONFIG with file, line, column;
 * AMT_ESYS). */
struct target_file *target_load(const char *path, struct amt_diag_list *errors);
void target_free(struct target_file *target); /* NULL is allowed */
/* Does the file say so? A file without `capabilities` says nothing and has the basic ones only. */
bool target_has(const struct target_file *target, const char *capability);
/* Does a first key of the file say that it is a target file, expectation file ("amtlab-target")? */
bool target_is_file_of(const char *path, const char *first_key);

#endif
