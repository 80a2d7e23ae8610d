/* Drafts of scenarios from a recording: one that plays the device, one that plays the server. */
#ifndef AMTLAB_SCENARIOS_REPLAY_DRAFT_H
#define AMTLAB_SCENARIOS_REPLAY_DRAFT_H

#include "scenarios/replay/recording.h"

struct draft_settings {
    const char *name;      /* of the scenario; letters, digits, - and / */
    const char *recording; /* path as the scenario has to name it */
    bool plays_device;     /* false: the server */
};

/* Appends the scenario's text: values that differ from run to run are variables, each with a comment that
 * says what it is and where it comes from; what the other side said are expectations. */
void draft_write(const struct recording *recording, const struct draft_settings *settings,
                 struct text *out);

#endif
