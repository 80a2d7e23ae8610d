/* `amtlab setupbin`: USB key files that set PCs up. Shared by its actions. */
#ifndef AMTLAB_CLI_SETUPBIN_H
#define AMTLAB_CLI_SETUPBIN_H

#include "base/diag.h"
#include "base/text.h"
#include "cli/cli.h"
#include "protocol/setupbin/rules.h"

struct setupbin_options {
    const char *out, *from, *meshcentral, *file_version;
    const char *current_password_file, *new_password_file, *pps_file, *passcode_file;
    const char *dns_suffix, *server_fqdn, *server_address, *server_port, *hash_name;
    const char *state, *uuid, *profile;
    struct cli_texts roots, hashes, values, sets;
    bool consume, scramble, force, secrets, json;
};

/* A file in parts. */
struct setupbin_file {
    struct setupbin_header header;
    struct setupbin_record *records; /* header.record_count of them; amt_free */
};
/* Reads and decodes; all records or nothing. AMT_ESYS, AMT_EMALFORMED, AMT_ENOMEM with diag. bytes gets
 * the file itself (amt_free). */
enum amt_err setupbin_load(const char *path, struct setupbin_file *file, uint8_t **bytes,
                           uint32_t *len, struct amt_diag *diag) AMT_MUST_USE;
/* Wipes the passwords, too. */
void setupbin_unload(struct setupbin_file *file, uint8_t *bytes, uint32_t len);
/* Prints the faults of all records on standard error; how many a BIOS would not take. */
uint32_t setupbin_print_faults(const struct setupbin_file *file, const char *path);

/* setupbin_values.c. Adds a variable by its name from text: a number or the word for it, an IPv4 address,
 * hexadecimal bytes, a root hash (sha256:HEX:NAME), as the variable wants it. AMT_ECONFIG with diag. */
enum amt_err setupbin_set_text(struct setupbin_record *record, const char *name, const char *text,
                               struct amt_diag *diag) AMT_MUST_USE;
/* Adds the hash of the first certificate in a PEM file; algorithm as in variable 2,8. */
enum amt_err setupbin_set_root(struct setupbin_record *record, const char *path, uint8_t algorithm,
                               const char *name, struct amt_diag *diag) AMT_MUST_USE;
/* The value of a variable for people; secrets as "(hidden)" unless they may be shown. */
void setupbin_put_value(struct text *out, const struct setupbin_record *record,
                        const struct setupbin_variable *variable, bool shows_secrets);
/* "2.1" to major and minor. AMT_ECONFIG. */
enum amt_err setupbin_read_version(const char *text, struct setupbin_header *header,
                                   struct amt_diag *diag) AMT_MUST_USE;
/* setupbin_yaml.c: a whole file from YAML. Errors are printed. AMT_ECONFIG, AMT_ENOMEM. */
enum amt_err setupbin_read_yaml(const char *path, struct setupbin_file *file) AMT_MUST_USE;

/* The actions; each returns an enum cli_exit. */
int setupbin_create(const struct setupbin_options *options);
int setupbin_show(const struct setupbin_options *options, const char *path);
int setupbin_apply(const struct setupbin_options *options, const char *path);

#endif
