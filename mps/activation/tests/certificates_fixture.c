#include "mps/activation/tests/certificates_fixture.h"

#include <stdio.h>
#include <string.h>

#include "base/unit.h"

void files_set(struct files *files, const char *names, const char *key)
{
    int count = 0;
    memset(files, 0, sizeof *files);
    while (*names != '\0') {
        int len = (int)strcspn(names, " ");
        assert_true(count < FILES_MAX);
        (void)snprintf(files->paths[count], sizeof files->paths[0], "%s/%.*s.pem", CERTS, len,
                       names);
        files->list[count] = files->paths[count];
        count += 1;
        names += len + (names[len] == ' ' ? 1 : 0);
    }
    (void)snprintf(files->key, sizeof files->key, "%s/%s", CERTS, key);
    files->source.label = "test";
    files->source.cert_paths = files->list;
    files->source.key_path = files->key;
}

json_t *certificates_json(const char *name)
{
    char path[256];
    json_error_t error;
    (void)snprintf(path, sizeof path, "%s/../%s", CERTS, name);
    json_t *json = json_load_file(path, 0, &error);
    assert_non_null(json);
    return json;
}

uint32_t certificates_problems(const struct amt_diag_list *list, const char *text, int err,
                               const char *code)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        const struct amt_diag *diag = &list->items[i];
        if (strstr(diag->text, "can be read by others") == NULL &&
            (text == NULL || strcmp(diag->text, text) == 0) && (err < 0 || (int)diag->err == err) &&
            (code == NULL || strcmp(diag->requirement, code) == 0)) {
            count += 1;
        }
    }
    return count;
}

const struct activation_certificate *certificates_get(struct activation_certificates *set,
                                                      const char *names, const char *key)
{
    struct files files;
    uint32_t before = activation_certificates_count(set);
    files_set(&files, names, key);
    enum amt_err err = activation_certificates_load(set, &files.source, NOW_S, NULL);
    assert_int_equal(activation_certificates_count(set), before + (err == AMT_OK ? 1 : 0));
    return err == AMT_OK ? activation_certificates_at(set, before) : NULL;
}
