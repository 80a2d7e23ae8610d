#include "mps/activation/config_reading.h"

#include <stdio.h>
#include <string.h>

void config_refuse(struct config_reading *reading, const struct yaml_node *node, const char *hint,
                   const char *text)
{
    struct amt_diag *diag = reading->problems == NULL
                                ? NULL
                                : amt_diag_list_add(reading->problems, AMT_ECONFIG, reading->path,
                                                    node->line, node->column);
    (void)amt_diag_set(diag, AMT_ECONFIG, "activation: %s", text);
    (void)amt_diag_hint(diag, "%s", hint);
    reading->err = AMT_ECONFIG;
}

const char *config_keep(struct config_reading *reading, const char *text)
{
    const char *kept = text == NULL ? NULL : arena_text(reading->arena, text, strlen(text));
    if (text != NULL && kept == NULL) {
        reading->err = AMT_ENOMEM;
    }
    return kept;
}

bool config_first_line(const char *path, char line[static CONFIG_LINE_BYTES])
{
    FILE *file = path == NULL ? NULL : fopen(path, "re");
    bool is_read = file != NULL && fgets(line, (int)CONFIG_LINE_BYTES, file) != NULL;
    if (file != NULL) {
        (void)fclose(file);
    }
    line[is_read ? strcspn(line, "\r\n") : 0] = '\0';
    return is_read;
}
