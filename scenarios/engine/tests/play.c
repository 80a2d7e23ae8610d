#include "scenarios/engine/tests/play.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/unit.h"

void play_load(struct play *play, const char *yaml)
{
    memset(play, 0, sizeof *play);
    (void)snprintf(play->path, sizeof play->path, "/tmp/amtlab-scenario-XXXXXX");
    int file = mkstemp(play->path);
    assert_true(file >= 0);
    assert_int_equal(write(file, yaml, strlen(yaml)), strlen(yaml));
    assert_int_equal(close(file), 0);
    play->options = (struct engine_options){ .seed = 1, .command_options = "" };
    assert_int_equal(suite_add(&play->suite, play->path, NULL, &play->errors), AMT_OK);
}

void play_run(struct play *play)
{
    struct amt_diag diag = { 0 };
    assert_non_null(play->pki);
    play->options.pki = play->pki;
    play->options.keeps_all_traces = true;
    struct runner_options options = { .engine = play->options, .in_process = true };
    assert_int_equal(runner_run(&play->suite, &options, &play->result, &diag), AMT_OK);
}

const struct result_case *play_text(struct play *play, struct pki_set *pki, const char *yaml)
{
    play_load(play, yaml);
    play->pki = pki;
    if (play->errors.count > 0) {
        amt_diag_list_print(&play->errors, stderr);
    }
    assert_int_equal(play->errors.count, 0);
    play_run(play);
    assert_non_null(play->result.results->case_first);
    return play->result.results->case_first;
}

void play_end(struct play *play)
{
    (void)unlink(play->path);
    if (play->result.results != NULL) {
        runner_free(&play->result);
    }
    amt_diag_list_fini(&play->errors);
    suite_free(&play->suite);
}
