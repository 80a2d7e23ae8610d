/* Events as docs/events.md describes them: the file travels inside the program. */
#ifndef AMTLAB_CLI_EXPLAIN_EVENT_H
#define AMTLAB_CLI_EXPLAIN_EVENT_H

/* Prints the rows of that name, of all when name ends with "*" or is NULL. An exit code. */
int explain_event(const char *name);

#endif
