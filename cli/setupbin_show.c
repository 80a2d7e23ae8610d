/* `amtlab setupbin show`: each variable in plain words. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cli/setupbin.h"

static const char *first_release(const struct setupbin_header *header)
{
    static const char *const k_releases[SETUPBIN_VERSION_MAX] = { "AMT 2", "AMT 3", "AMT 6",
                                                                  "a release after AMT 6" };
    return header->major == 2 && header->minor > 0 ? "AMT 4" : k_releases[header->major - 1];
}

static void put_header(struct text *out, const char *path, const struct setupbin_header *header)
{
    text_printf(out, "%s: version %u.%u (from %s on), %u record%s, ", path, header->major,
                header->minor, first_release(header), header->record_count,
                header->record_count == 1 ? "" : "s");
    if ((header->flags & SETUPBIN_KEEP_RECORDS) != 0) {
        text_puts(out, "kept: every PC takes the first that fits\n");
    } else {
        text_printf(out, "used up one by one: %u of %u are\n", header->consumed,
                    header->record_count);
    }
}

static void put_record(struct text *out, const struct setupbin_record *record, bool shows_secrets)
{
    bool is_valid = record->type == SETUPBIN_DATA_RECORD && (record->flags & SETUPBIN_VALID) != 0;
    text_printf(out, "record %u%s%s\n", record->number, is_valid ? "" : ", marked as not valid",
                (record->flags & SETUPBIN_SCRAMBLED) != 0 ? ", scrambled" : "");
    for (uint32_t i = 0; i < record->count; i++) {
        const struct setupbin_variable *variable = &record->variables[i];
        const struct setupbin_meaning *meaning = setupbin_meaning(variable->module, variable->id);
        text_printf(out, "  %u,%-2u  %-46s ", variable->module, variable->id,
                    meaning == NULL ? "(unknown variable)" : meaning->title);
        setupbin_put_value(out, record, variable, shows_secrets);
        text_puts(out, "\n");
    }
}

static json_t *variable_json(const struct setupbin_record *record,
                             const struct setupbin_variable *variable, bool shows_secrets)
{
    const struct setupbin_meaning *meaning = setupbin_meaning(variable->module, variable->id);
    struct text value = { 0 };
    setupbin_put_value(&value, record, variable, shows_secrets);
    json_t *object =
        json_pack("{s:i, s:i, s:s?, s:s}", "module", variable->module, "variable", variable->id,
                  "name", meaning == NULL ? NULL : meaning->name, "value", text_chars(&value));
    text_fini(&value);
    return object;
}

static json_t *record_json(const struct setupbin_record *record, bool shows_secrets)
{
    json_t *variables = json_array();
    for (uint32_t i = 0; i < record->count; i++) {
        (void)json_array_append_new(variables,
                                    variable_json(record, &record->variables[i], shows_secrets));
    }
    return json_pack("{s:i, s:b, s:b, s:o}", "number", (int)record->number, "valid",
                     record->type == SETUPBIN_DATA_RECORD && (record->flags & SETUPBIN_VALID) != 0,
                     "scrambled", (record->flags & SETUPBIN_SCRAMBLED) != 0, "variables",
                     variables);
}

static void print_json(const struct setupbin_file *file, bool shows_secrets)
{
    const struct setupbin_header *header = &file->header;
    char version[16];
    json_t *records = json_array();
    (void)snprintf(version, sizeof version, "%u.%u", header->major, header->minor);
    for (uint32_t i = 0; i < header->record_count; i++) {
        (void)json_array_append_new(records, record_json(&file->records[i], shows_secrets));
    }
    json_t *root = json_pack("{s:s, s:b, s:i, s:o}", "version", version, "kept",
                             (header->flags & SETUPBIN_KEEP_RECORDS) != 0, "consumed",
                             (int)header->consumed, "records", records);
    char *line = root == NULL ? NULL : json_dumps(root, JSON_COMPACT);
    (void)puts(line == NULL ? "{}" : line);
    free(line);
    json_decref(root);
}

static void print_text(const struct setupbin_file *file, const char *path, bool shows_secrets)
{
    struct text out = { 0 };
    put_header(&out, path, &file->header);
    for (uint32_t i = 0; i < file->header.record_count; i++) {
        put_record(&out, &file->records[i], shows_secrets);
    }
    (void)fputs(text_chars(&out), stdout);
    text_fini(&out);
}

int setupbin_show(const struct setupbin_options *options, const char *path)
{
    struct setupbin_file file;
    struct amt_diag diag = { .err = AMT_OK };
    uint8_t *bytes = NULL;
    uint32_t len = 0, errors = 0;
    enum amt_err err = setupbin_load(path, &file, &bytes, &len, &diag);
    if (err != AMT_OK) {
        amt_diag_print(&diag, stderr);
    } else {
        if (options->json) {
            print_json(&file, options->secrets);
        } else {
            print_text(&file, path, options->secrets);
        }
        (void)fflush(stdout);
        errors = setupbin_print_faults(&file, path);
    }
    setupbin_unload(&file, bytes, len);
    return err == AMT_OK ? (errors == 0 ? CLI_OK : CLI_INVALID)
                         : (err == AMT_ESYS ? CLI_ENVIRONMENT : CLI_INVALID);
}
