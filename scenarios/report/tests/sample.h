/* A result tree with one case of each verdict, for the tests of the writers. */
#ifndef AMTLAB_SCENARIOS_REPORT_TESTS_SAMPLE_H
#define AMTLAB_SCENARIOS_REPORT_TESTS_SAMPLE_H

#include "scenarios/report/report.h"

/* Like a real run: passed, failed with excerpt and bytes, and the other verdicts. */
struct results *sample_results(void);
/* Every text is hostile: markup, quotes, controls, bytes that are not UTF-8. */
struct results *sample_hostile(void);
#define SAMPLE_HOSTILE "<b>&\"'</b>]]>\x1b[31m\r\n#|`*\\ \xff\xfe${x}--"

#endif
