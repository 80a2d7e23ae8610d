/* What the writers of JSON formats share: members with commas where they belong. */
#ifndef AMTLAB_SCENARIOS_REPORT_JSON_WRITE_H
#define AMTLAB_SCENARIOS_REPORT_JSON_WRITE_H

#include "base/text.h"

/* Compact JSON; each function puts a comma first unless an opening bracket stands before. */
void json_write_open(struct text *out, const char *name, char bracket); /* name NULL: in a list */
void json_write_close(struct text *out, char bracket);
void json_write_text(struct text *out, const char *name, const char *value);
void json_write_number(struct text *out, const char *name, uint64_t value);
void json_write_bool(struct text *out, const char *name, bool value);

#endif
