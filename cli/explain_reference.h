/* Every key, verb, fault, operator and function of the language as a page of Markdown. */
#ifndef AMTLAB_CLI_EXPLAIN_REFERENCE_H
#define AMTLAB_CLI_EXPLAIN_REFERENCE_H

/* Prints docs/scenario-reference.md from the tables of the parser. An exit code. */
int explain_reference(void);

#endif
