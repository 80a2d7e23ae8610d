/*
 * The sequence diagram of a case: a lane per actor, time downwards, an arrow per message with its
 * size, brackets for steps, bolts for faults, a red line where it failed. Colours are CSS variables
 * of the page with fallbacks, so that the picture also stands alone.
 */
#include <string.h>

#include "scenarios/report/format.h"
#include "scenarios/report/html.h"
#include "scenarios/report/report.h"

#define LANES_MAX      12u
#define GUTTER         96u /* time and step bracket, left of the first lane */
#define LANE_GAP       300u
#define LANE_GAP_SMALL 210u /* with more than three lanes */
#define MARGIN         110u /* right of the last lane */
#define HEAD_HEIGHT    58u
#define MESSAGE_HEIGHT 42u
#define TEXT_HEIGHT    10u /* more, for decoded fields under the arrow */
#define NOTE_HEIGHT    34u
#define STEP_HEIGHT    30u
#define PAUSE_HEIGHT   28u
#define MARK_HEIGHT    34u
#define SLOPE          7u /* how much lower an arrow ends that took time */
#define PAUSE_US       500000u
#define LABEL_CHARS    64u

struct diagram {
    struct text *out;
    const struct result_case *c;
    const char *lanes[LANES_MAX];
    uint32_t lane_count, lane_gap;
    uint32_t width, y;
    uint32_t step, step_top; /* step whose bracket is open, 0 for none */
    uint64_t last_us;
    bool has_links;
    const char *anchor;
    bool has_failed;
    const struct result_fault *fault; /* next to draw */
};

static void escaped(struct text *out, const char *text)
{
    text_xml(out, text, strlen(text));
}

/* At most max characters, with an ellipsis when it was more. */
static void shortened(struct text *out, const char *text, size_t max)
{
    size_t width = 0;
    size_t len = 0;
    while (text[len] != '\0' && width <= max) {
        len += 1;
        while (((uint8_t)text[len] & 0xc0) == 0x80) {
            len += 1;
        }
        width += 1;
    }
    if (text[len] == '\0' && width <= max) {
        text_xml(out, text, len);
        return;
    }
    do { /* one character less: room for the ellipsis */
        len -= 1;
    } while (len > 0 && ((uint8_t)text[len] & 0xc0) == 0x80);
    text_xml(out, text, len);
    text_puts(out, "\xe2\x80\xa6");
}

static void add_lane(struct diagram *d, const char *name, size_t len)
{
    for (uint32_t i = 0; i < d->lane_count; i++) {
        if (strlen(d->lanes[i]) == len && memcmp(d->lanes[i], name, len) == 0) {
            return;
        }
    }
    if (d->lane_count < LANES_MAX && name[len] == '\0' && len > 0) {
        d->lanes[d->lane_count++] = name;
    }
}

/* LANES_MAX when the actor has no lane (there are too many). */
static uint32_t lane_of(const struct diagram *d, const char *name, size_t len)
{
    for (uint32_t i = 0; i < d->lane_count; i++) {
        if (strlen(d->lanes[i]) == len && memcmp(d->lanes[i], name, len) == 0) {
            return i;
        }
    }
    return LANES_MAX;
}

static uint32_t lane_x(const struct diagram *d, uint32_t lane)
{
    return GUTTER + 84 + lane * d->lane_gap;
}

void html_sequence_style(struct text *out)
{
    text_puts(out, ".sq text{font:12px ui-sans-serif,system-ui,sans-serif;fill:var(--fg,#1c2128)}"
                   ".sq .dim{fill:var(--dim,#656d76);font-size:11px}"
                   ".sq .mono{font:11px ui-monospace,Menlo,Consolas,monospace}"
                   ".sq .halo{stroke:var(--card,#fff);stroke-width:4px;paint-order:stroke}"
                   ".sq .lane{stroke:var(--line,#dfe3e8);stroke-width:1.5}"
                   ".sq .box{fill:var(--code,#f4f6f8);stroke:var(--line,#dfe3e8)}"
                   ".sq .msg{stroke-width:1.6;fill:none}.sq .name{font-weight:600}"
                   ".sq .lost{stroke-dasharray:5 4}"
                   ".sq a:hover .msg{stroke-width:3}"
                   ".sq .bad{stroke:var(--bad,#cf222e)}.sq text.bad{stroke:none}"
                   ".sq .badfill,.sq text.bad{fill:var(--bad,#cf222e)}"
                   ".sq .bolt{fill:var(--bolt,#d4880a)}.sq text.bolt{fill:var(--warn,#9a6700)}"
                   ".sq .br{fill:none;stroke-width:2.5;stroke-linecap:round}");
    static const struct {
        const char *layer, *colour;
    } k_layers[] = { { "tcp", "#6e7781" },   { "tls", "#8250df" },  { "apf", "#0b6bcb" },
                     { "chan", "#0a7d8c" },  { "http", "#b35900" }, { "wsman", "#1a7f37" },
                     { "redir", "#bf3989" }, { "event", "#57606a" } };
    for (size_t i = 0; i < sizeof k_layers / sizeof k_layers[0]; i++) {
        text_printf(out, ".sq .l-%s{stroke:var(--%s,%s)}.sq .f-%s{fill:var(--%s,%s)}",
                    k_layers[i].layer, k_layers[i].layer, k_layers[i].colour, k_layers[i].layer,
                    k_layers[i].layer, k_layers[i].colour);
    }
    text_puts(out,
              ".sq .s-passed{stroke:var(--good,#1a7f37)}.sq .s-failed{stroke:var(--bad,#cf222e)}"
              ".sq .s-skipped,.sq .s-not_reached{stroke:var(--line,#dfe3e8)}\n");
}

/* The class suffix of a layer; unknown layers look like events. */
static const char *layer_class(const char *layer)
{
    static const char *const k_known[] = { "tcp",  "tls",   "apf",   "chan",
                                           "http", "wsman", "redir", NULL };
    for (size_t i = 0; k_known[i] != NULL; i++) {
        if (strcmp(layer, k_known[i]) == 0) {
            return k_known[i];
        }
    }
    return "event";
}

static void write_lanes(struct diagram *d, uint32_t height)
{
    for (uint32_t i = 0; i < d->lane_count; i++) {
        uint32_t x = lane_x(d, i);
        text_printf(d->out, "<line class=\"lane\" x1=\"%u\" y1=\"40\" x2=\"%u\" y2=\"%u\"/>", x, x,
                    height - 8);
        text_printf(d->out,
                    "<rect class=\"box\" x=\"%u\" y=\"10\" width=\"140\" height=\"30\" rx=\"7\"/>"
                    "<text class=\"name\" text-anchor=\"middle\" x=\"%u\" y=\"30\">",
                    x - 70, x);
        shortened(d->out, d->lanes[i], 20);
        text_puts(d->out, "</text>\n");
    }
}

static void write_time(struct diagram *d, uint64_t at_us, uint32_t y)
{
    text_printf(d->out, "<text class=\"dim\" text-anchor=\"end\" x=\"%u\" y=\"%u\">", GUTTER - 10,
                y);
    format_moment(d->out, at_us);
    text_puts(d->out, "</text>");
    d->last_us = at_us;
}

static void write_bolt(struct diagram *d, uint32_t x, uint32_t y)
{
    text_printf(d->out, "<path class=\"bolt\" d=\"M%u %ul-7 11h5l-3 9 9-12h-5l3-8z\"/>", x + 2,
                y - 10);
}

static void close_bracket(struct diagram *d)
{
    if (d->step == 0) {
        return;
    }
    const struct result_step *step = d->c->step_first;
    while (step != NULL && step->n != d->step) {
        step = step->next;
    }
    text_printf(d->out, "<path class=\"br s-%s\" d=\"M18 %uh-6v%uh6\"/>\n",
                result_step_verdict_name(step == NULL ? RESULT_STEP_PASSED : step->verdict),
                d->step_top, d->y - d->step_top - 6);
    d->step = 0;
}

static void open_bracket(struct diagram *d, uint32_t n)
{
    if (n == 0 || n == d->step) {
        return;
    }
    close_bracket(d);
    const struct result_step *step = d->c->step_first;
    while (step != NULL && step->n != n) {
        step = step->next;
    }
    if (step == NULL) {
        return;
    }
    d->step = n;
    d->step_top = d->y + 14;
    text_printf(d->out, "<text class=\"dim halo\" x=\"24\" y=\"%u\">%u \xc2\xb7 ", d->y + 18, n);
    shortened(d->out, step->name, LABEL_CHARS);
    text_puts(d->out, "</text>\n");
    d->y += STEP_HEIGHT;
}

/* A gap in time is worth a line of its own: nothing happened, and for how long. */
static void write_pause(struct diagram *d, uint64_t at_us)
{
    if (at_us < d->last_us || at_us - d->last_us < PAUSE_US) {
        return;
    }
    text_printf(d->out,
                "<text class=\"dim\" text-anchor=\"middle\" x=\"%u\" y=\"%u\">\xe2\x8b\xae  ",
                lane_x(d, 0) + (d->lane_count - 1) * d->lane_gap / 2, d->y + 17);
    format_moment(d->out, at_us - d->last_us);
    text_puts(d->out, " pass  \xe2\x8b\xae</text>\n");
    d->y += PAUSE_HEIGHT;
}

static void write_failure(struct diagram *d)
{
    const struct result_failure *failure = d->c->failure;
    uint32_t y = d->y + 20;
    d->has_failed = true;
    text_printf(d->out, "<g><title>");
    escaped(d->out, failure->message);
    text_printf(d->out,
                "</title><line class=\"bad\" stroke-width=\"2\" x1=\"%u\" y1=\"%u\" x2=\"%u\" "
                "y2=\"%u\"/><circle class=\"badfill\" cx=\"%u\" cy=\"%u\" r=\"4\"/>"
                "<text class=\"bad name halo\" x=\"%u\" y=\"%u\">",
                GUTTER, y, d->width - 12, y, GUTTER, y, GUTTER + 10, y - 6);
    shortened(d->out, failure->message, (size_t)(d->width - GUTTER) / 7);
    text_puts(d->out, "</text></g>\n");
    write_time(d, failure->at_us, y + 4);
    d->y += MARK_HEIGHT;
}

/* Opens the text beside a mark at x: left of the last lane, whose right side has no room. */
static void open_note(struct diagram *d, const char *class, uint32_t lane, uint32_t x, uint32_t y)
{
    bool is_left = d->lane_count > 1 && lane == d->lane_count - 1;
    text_printf(d->out, "<text class=\"%s halo\" text-anchor=\"%s\" x=\"%u\" y=\"%u\">", class,
                is_left ? "end" : "start", is_left ? x - 14 : x + 14, y + 4);
}

static void write_fault(struct diagram *d, const struct result_fault *fault)
{
    uint32_t lane = lane_of(d, fault->at, strcspn(fault->at, "."));
    uint32_t x = lane == LANES_MAX ? GUTTER + 14 : lane_x(d, lane);
    uint32_t y = d->y + 20;
    write_time(d, fault->at_us, y + 4);
    write_bolt(d, x, y);
    open_note(d, "bolt name", lane, x, y);
    shortened(d->out, fault->verb, 24);
    text_printf(d->out, "<tspan class=\"dim\" font-weight=\"400\"> ");
    shortened(d->out, fault->text[0] == '\0' ? fault->at : fault->text, LABEL_CHARS);
    text_puts(d->out, "</tspan></text>\n");
    d->y += MARK_HEIGHT;
}

/* Faults and the failure stand between the messages, in order of time. */
static void write_marks_before(struct diagram *d, uint64_t at_us)
{
    for (; d->fault != NULL && d->fault->at_us <= at_us; d->fault = d->fault->next) {
        write_pause(d, d->fault->at_us);
        write_fault(d, d->fault);
    }
    if (d->c->failure != NULL && !d->has_failed && d->c->failure->at_us < at_us) {
        write_pause(d, d->c->failure->at_us);
        write_failure(d);
    }
}

static void write_label(struct diagram *d, const struct result_event *event, uint32_t chars)
{
    text_printf(d->out, "<tspan class=\"name f-%s\">", layer_class(event->layer));
    shortened(d->out, event->name, chars);
    text_puts(d->out, "</tspan>");
    if (event->size_bytes > 0) {
        text_puts(d->out, "<tspan class=\"dim\"> \xc2\xb7 ");
        format_size(d->out, event->size_bytes);
        text_puts(d->out, "</tspan>");
    }
}

/* Something that happened at one actor. */
static void write_note(struct diagram *d, const struct result_event *event, uint32_t lane)
{
    uint32_t x = lane_x(d, lane);
    uint32_t y = d->y + 16;
    write_time(d, event->at_us, y + 4);
    text_printf(d->out, "<circle class=\"f-%s\" cx=\"%u\" cy=\"%u\" r=\"4\"/>",
                layer_class(event->layer), x, y);
    open_note(d, "", lane, x, y);
    write_label(d, event, 40);
    if (event->text[0] != '\0') {
        uint32_t name = (uint32_t)strlen(event->name);
        text_puts(d->out, "<tspan class=\"dim\">  ");
        shortened(d->out, event->text, name + 20 < LABEL_CHARS ? LABEL_CHARS - 8 - name : 12);
        text_puts(d->out, "</tspan>");
    }
    text_puts(d->out, "</text>");
    if (event->is_fault) {
        write_bolt(d, x, y);
    }
    d->y += NOTE_HEIGHT;
}

static void write_arrow(struct diagram *d, const struct result_event *event, uint32_t from,
                        uint32_t to)
{
    const char *layer = layer_class(event->layer);
    bool goes_right = to > from;
    uint32_t left = lane_x(d, goes_right ? from : to);
    uint32_t right = lane_x(d, goes_right ? to : from);
    uint32_t start = goes_right ? left : right;
    uint32_t end = goes_right ? right : left;
    if (event->is_lost) {
        end = (left + right) / 2;
    }
    uint32_t y = d->y + 22;
    uint32_t end_y = y + (event->arrive_us > event->at_us ? SLOPE : 0);
    write_time(d, event->at_us, y + 4);
    text_printf(d->out, "<text class=\"halo\" text-anchor=\"middle\" x=\"%u\" y=\"%u\">",
                (left + right) / 2, y - 7);
    write_label(d, event, (right - left) / 9);
    text_puts(d->out, "</text>");
    text_printf(d->out, "<path class=\"msg l-%s%s\" d=\"M%u %uL%u %u\"/>", layer,
                event->is_lost ? " lost" : "", start, y, end, end_y);
    if (event->is_lost) {
        text_printf(d->out,
                    "<path class=\"bad\" stroke-width=\"2\" d=\"M%u %ul10 10m0-10l-10 10\"/>",
                    end - 5, end_y - 5);
    } else {
        text_printf(d->out, "<path class=\"f-%s\" d=\"M%u %ul%s9-5v10z\"/>", layer, end, end_y,
                    goes_right ? "-" : "");
    }
    if (event->text[0] != '\0') {
        text_printf(d->out, "<text class=\"dim halo\" text-anchor=\"middle\" x=\"%u\" y=\"%u\">",
                    (left + right) / 2, y + 18);
        shortened(d->out, event->text, (right - left) / 7);
        text_puts(d->out, "</text>");
        d->y += TEXT_HEIGHT;
    }
    if (event->is_fault) {
        write_bolt(d, start + (goes_right ? 26 : 0) - (goes_right ? 0 : 26), y);
    }
    d->y += MESSAGE_HEIGHT;
}

static void write_event(struct diagram *d, const struct result_event *event, uint32_t n)
{
    uint32_t from = lane_of(d, event->from, strlen(event->from));
    uint32_t to = lane_of(d, event->to, strlen(event->to));
    if (from == LANES_MAX || to == LANES_MAX) {
        return;
    }
    write_marks_before(d, event->at_us);
    write_pause(d, event->at_us);
    open_bracket(d, event->step);
    if (d->has_links) {
        text_printf(d->out, "<a href=\"#%se%u\">", d->anchor, n);
    }
    text_puts(d->out, "<g><title>");
    text_printf(d->out, "%u. ", n);
    escaped(d->out, event->layer);
    text_puts(d->out, " ");
    escaped(d->out, event->name);
    text_puts(d->out, event->text[0] == '\0' ? "" : "\n");
    escaped(d->out, event->text);
    text_puts(d->out, "</title>");
    if (from == to) {
        write_note(d, event, from);
    } else {
        write_arrow(d, event, from, to);
    }
    text_puts(d->out, d->has_links ? "</g></a>\n" : "</g>\n");
}

static uint32_t count_events(const struct result_case *c)
{
    uint32_t count = 0;
    for (const struct result_event *event = c->event_first; event != NULL; event = event->next) {
        count += 1;
    }
    return count;
}

static void write_body(struct diagram *d, uint32_t skipped)
{
    uint32_t n = 0;
    if (skipped > 0) {
        text_printf(d->out,
                    "<text class=\"dim\" x=\"%u\" y=\"%u\">%u earlier messages are not drawn"
                    "</text>\n",
                    GUTTER, d->y + 14, skipped);
        d->y += PAUSE_HEIGHT;
    }
    for (const struct result_event *event = d->c->event_first; event != NULL; event = event->next) {
        n += 1;
        if (n == skipped + 1 && skipped > 0) {
            d->last_us = event->at_us;
            while (d->fault != NULL && d->fault->at_us < event->at_us) {
                d->fault = d->fault->next;
            }
        }
        if (n > skipped) {
            write_event(d, event, n);
        }
    }
    write_marks_before(d, UINT64_MAX);
    close_bracket(d);
}

static void find_lanes(struct diagram *d)
{
    for (const struct result_event *event = d->c->event_first; event != NULL; event = event->next) {
        add_lane(d, event->from, strlen(event->from));
        add_lane(d, event->to, strlen(event->to));
    }
    for (const struct result_step *step = d->c->step_first; step != NULL && d->lane_count == 0;
         step = step->next) {
        add_lane(d, step->actor, strlen(step->actor));
    }
}

void report_sequence_svg(struct text *out, const struct result_case *c,
                         const struct report_picture *picture)
{
    struct text body = { 0 };
    struct diagram d = { .out = &body,
                         .c = c,
                         .y = HEAD_HEIGHT,
                         .has_links = picture->has_links,
                         .anchor = picture->anchor == NULL ? "" : picture->anchor,
                         .fault = c->fault_first };
    find_lanes(&d);
    if (d.lane_count == 0) {
        return;
    }
    d.lane_gap = d.lane_count > 3 ? LANE_GAP_SMALL : LANE_GAP;
    d.width = lane_x(&d, d.lane_count - 1) + (d.lane_count == 1 ? LANE_GAP : MARGIN);
    uint32_t count = count_events(c);
    write_body(&d, count > picture->max_events ? count - picture->max_events : 0);
    uint32_t height = d.y + 20;
    text_printf(out,
                "<svg class=\"sq\" xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" "
                "aria-label=\"sequence diagram\" width=\"%u\" height=\"%u\" "
                "viewBox=\"0 0 %u %u\">\n",
                d.width, height, d.width, height);
    if (picture->stands_alone) {
        text_puts(out, "<style>");
        html_sequence_style(out);
        text_puts(out, "</style>\n");
    }
    d.out = out;
    write_lanes(&d, height);
    text_append(out, text_chars(&body), body.len);
    out->failed = out->failed || body.failed;
    text_fini(&body);
    text_puts(out, "</svg>\n");
}
