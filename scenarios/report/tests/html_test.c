#include <string.h>

#include "base/memory.h"
#include "base/unit.h"
#include "markup_check.h"
#include "sample.h"

static void assert_page(const struct text *out, const char *counted, uint32_t matches)
{
    struct markup_count count = { .counted = counted };
    assert_false(out->failed);
    if (!markup_is_well_formed(text_chars(out), true, &count)) {
        fail_msg("%s", count.error);
    }
    assert_int_equal(count.matches, matches);
}

/* Every page of results is well-formed and has nothing that would be fetched or run. */
static void check_pages(const struct results *results)
{
    struct text out = { 0 };
    report_html_index(&out, results);
    assert_page(&out, "script", 0);
    assert_null(strstr(text_chars(&out), "src="));
    text_fini(&out);
    for (const struct result_case *c = results->case_first; c != NULL; c = c->next) {
        report_html_case(&out, results, c);
        assert_page(&out, "script", 0);
        assert_null(strstr(text_chars(&out), "href=\"http"));
        assert_null(strstr(text_chars(&out), "src="));
        text_fini(&out);
    }
}

static void pages_are_well_formed_and_need_nothing_from_elsewhere(void **state)
{
    (void)state;
    struct results *results = sample_results();
    check_pages(results);
    results_free(results);
}

static void pages_of_hostile_texts_are_well_formed(void **state)
{
    (void)state;
    struct results *results = sample_hostile();
    check_pages(results);
    results_free(results);
}

/* The one file: every id once, every link leads to one of them, nothing is fetched. */
static void check_alone(const struct results *results)
{
    struct text out = { 0 };
    report_html(&out, results);
    assert_page(&out, "article", results->case_count + (results->source_first != NULL ? 1 : 0));
    const char *html = text_chars(&out);
    assert_null(strstr(html, "<script"));
    assert_null(strstr(html, "src="));
    assert_null(strstr(html, "stylesheet"));
    assert_null(strstr(html, "url("));
    for (const char *at = strstr(html, "href=\""); at != NULL; at = strstr(at + 1, "href=\"")) {
        struct text id = { 0 };
        assert_int_equal(at[6], '#');
        text_puts(&id, " id=\"");
        text_append(&id, at + 7, strcspn(at + 7, "\"") + 1);
        const char *found = strstr(html, text_chars(&id));
        if (found == NULL) {
            fail_msg("a link leads nowhere: %s", text_chars(&id));
        }
        assert_null(strstr(found + 1, text_chars(&id)));
        text_fini(&id);
    }
    text_fini(&out);
}

static void one_file_has_everything(void **state)
{
    (void)state;
    struct results *results = sample_results();
    check_alone(results);
    struct text out = { 0 };
    report_html(&out, results);
    const char *html = text_chars(&out);
    assert_non_null(strstr(html, "<a class=\"card bad\" href=\"#c2\">"));
    assert_non_null(strstr(html, "<article class=\"case\" id=\"c2\">"));
    assert_non_null(strstr(html, "<span class=\"ln failed\" id=\"c2-l26\">"));
    assert_non_null(strstr(html, "<a href=\"#c2-e"));
    text_fini(&out);
    results_free(results);
    results = sample_hostile();
    check_alone(results);
    results_free(results);
}

static void the_overview_links_every_case_and_requirement(void **state)
{
    (void)state;
    struct results *results = sample_results();
    struct text out = { 0 };
    report_html_index(&out, results);
    for (const struct result_case *c = results->case_first; c != NULL; c = c->next) {
        struct text link = { 0 };
        text_puts(&link, "href=\"");
        report_html_name(&link, c);
        assert_non_null(strstr(text_chars(&out), text_chars(&link)));
        text_fini(&link);
    }
    assert_non_null(strstr(text_chars(&out), "<h1>3 of 9 cases failed</h1>"));
    assert_non_null(strstr(text_chars(&out), "<tr id=\"r-APF-MPS-021\">"));
    text_fini(&out);
    results_free(results);
}

static void a_failed_case_shows_its_line_its_values_and_its_bytes(void **state)
{
    (void)state;
    struct results *results = sample_results();
    struct text out = { 0 };
    report_html_case(&out, results, results->case_first->next);
    const char *html = text_chars(&out);
    assert_non_null(strstr(html, "<span class=\"ln passed\" id=\"l19\">"));
    assert_non_null(strstr(html, "<span class=\"ln failed\" id=\"l26\">"));
    assert_non_null(strstr(html, "<span class=\"ln not_reached\" id=\"l30\">"));
    assert_non_null(strstr(html, "<b>^~~~~~~~~~~~~~~~~~~~~~~~~~ wanted this within 2s</b>"));
    assert_non_null(strstr(html, "closed by peer (FIN) 3 ms after byte 20 of 71"));
    assert_non_null(strstr(html, "<b>50</b> "));
    assert_non_null(strstr(html, "A USERAUTH_REQUEST may arrive in any number of pieces."));
    assert_page(&out, "svg", 1);
    text_fini(&out);
    results_free(results);
}

static void page_names_are_safe_and_differ(void **state)
{
    (void)state;
    struct results *results = results_new();
    struct text a = { 0 };
    struct text b = { 0 };
    report_html_name(&a, results_add_case(results, "../x/y#a=1"));
    report_html_name(&b, results_add_case(results, "../x-y#a=1"));
    assert_string_not_equal(text_chars(&a), text_chars(&b));
    assert_int_equal(strspn(text_chars(&a), "abcdefghijklmnopqrstuvwxyz0123456789-_"),
                     a.len - strlen(".html"));
    text_fini(&a);
    text_fini(&b);
    results_free(results);
}

static uint32_t count_of(const char *text, const char *word)
{
    uint32_t count = 0;
    for (const char *at = strstr(text, word); at != NULL; at = strstr(at + 1, word)) {
        count += 1;
    }
    return count;
}

static void the_picture_has_a_lane_per_actor_and_an_arrow_per_message(void **state)
{
    (void)state;
    struct results *results = sample_results();
    struct text out = { 0 };
    const struct report_picture picture = { .max_events = 100, .has_links = true };
    report_sequence_svg(&out, results->case_first->next, &picture);
    const char *svg = text_chars(&out);
    assert_int_equal(count_of(svg, "<line class=\"lane\""), 2);
    assert_int_equal(count_of(svg, "<path class=\"msg "), 7);
    assert_int_equal(count_of(svg, "<a href=\"#e"), 7);
    assert_int_equal(count_of(svg, "<line class=\"bad\""), 1);
    assert_int_equal(count_of(svg, "<path class=\"br s-failed\""), 1);
    assert_non_null(strstr(svg, "server_hello"));
    text_fini(&out);
    results_free(results);
}

static void the_picture_shows_faults_losses_and_pauses(void **state)
{
    (void)state;
    struct results *results = sample_results();
    const struct result_case *c = results->case_first->next->next->next;
    struct text out = { 0 };
    const struct report_picture picture = { .max_events = 100, .stands_alone = true };
    report_sequence_svg(&out, c, &picture);
    assert_page(&out, "style", 1);
    const char *svg = text_chars(&out);
    assert_int_equal(count_of(svg, "<line class=\"lane\""), 3);
    assert_int_equal(count_of(svg, "<path class=\"bolt\""), 2);
    assert_int_equal(count_of(svg, " lost\""), 1);
    assert_int_equal(count_of(svg, " pass "), 2);
    assert_int_equal(count_of(svg, "<a href"), 0);
    text_fini(&out);
    results_free(results);
}

static void the_picture_is_bounded_and_says_so(void **state)
{
    (void)state;
    struct results *results = results_new();
    struct result_case *c = results_add_case(results, "many");
    for (uint32_t i = 0; i < 1000; i++) {
        const char *from = results_printf(results, "actor%u", i % 40);
        result_add_event(results, c, from, "actor0", "apf", "m")->at_us = i;
    }
    struct text out = { 0 };
    const struct report_picture picture = { .max_events = 50 };
    report_sequence_svg(&out, c, &picture);
    const char *svg = text_chars(&out);
    assert_int_equal(count_of(svg, "<line class=\"lane\""), 12);
    assert_true(count_of(svg, "<g>") <= 50);
    assert_non_null(strstr(svg, "950 earlier messages are not drawn"));
    text_fini(&out);
    results_free(results);
}

static void a_case_without_messages_has_no_picture(void **state)
{
    (void)state;
    struct results *results = results_new();
    struct text out = { 0 };
    const struct report_picture picture = { .max_events = 50 };
    report_sequence_svg(&out, results_add_case(results, "none"), &picture);
    assert_int_equal(out.len, 0);
    results_free(results);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_are_well_formed_and_need_nothing_from_elsewhere),
        cmocka_unit_test(pages_of_hostile_texts_are_well_formed),
        cmocka_unit_test(one_file_has_everything),
        cmocka_unit_test(the_overview_links_every_case_and_requirement),
        cmocka_unit_test(a_failed_case_shows_its_line_its_values_and_its_bytes),
        cmocka_unit_test(page_names_are_safe_and_differ),
        cmocka_unit_test(the_picture_has_a_lane_per_actor_and_an_arrow_per_message),
        cmocka_unit_test(the_picture_shows_faults_losses_and_pauses),
        cmocka_unit_test(the_picture_is_bounded_and_says_so),
        cmocka_unit_test(a_case_without_messages_has_no_picture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
