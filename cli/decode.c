/* amtlab decode apf, amtlab encode apf: the interface for others' vectors. */
#include <string.h>

#include "base/memory.h"
#include "cli/apf_json.h"
#include "cli/cli.h"
#include "cli/json_lines.h"

#define HEX_MAX_BYTES (2u * APF_MESSAGE_MAX_BYTES)

static void put_verdict(enum apf_verdict verdict, uint32_t count, const struct apf_message *message,
                        const uint8_t *in, struct text *out)
{
    if (verdict == APF_OK) {
        text_printf(out, "{\"verdict\":\"ok\",\"consumed\":%u,\"fields\":", count);
        apf_fields_to_json(message, in, out);
        text_puts(out, "}");
    } else if (verdict == APF_NEED_MORE) {
        text_printf(out, "{\"verdict\":\"need-more\",\"need\":%u}", count);
    } else {
        const char *name = apf_verdict_name(verdict);
        text_printf(out,
                    "{\"verdict\":\"error:%s\",\"error\":\"%s\",\"offset\":%u,"
                    "\"requirement\":\"%s\"}",
                    name, name, count, apf_verdict_requirement(verdict));
    }
}

static enum amt_err decode_line(const json_t *object, struct text *out, struct amt_diag *diag)
{
    struct apf_context context;
    const char *hex = json_string_value(json_object_get(object, "hex"));
    TRY(apf_context_from_json(json_string_value(json_object_get(object, "dir")),
                              json_object_get(object, "context"), &context, diag));
    if (hex == NULL) {
        return amt_diag_set(diag, AMT_EMALFORMED, "\"hex\" is missing");
    }
    size_t len = strlen(hex) / 2;
    if (len > HEX_MAX_BYTES) {
        return amt_diag_set(diag, AMT_ETOOBIG, "\"hex\" holds more than %u bytes", HEX_MAX_BYTES);
    }
    uint8_t *in = amt_alloc(len);
    if (in == NULL) {
        return amt_diag_set(diag, AMT_ENOMEM, "out of memory");
    }
    enum amt_err err = text_parse_hex(hex, in, len, &len);
    if (err != AMT_OK) {
        (void)amt_diag_set(diag, err, "\"hex\" is no hex text");
    } else {
        struct apf_message message;
        uint32_t count = 0;
        enum apf_verdict verdict = apf_decode(in, (uint32_t)len, &context, &message, &count);
        put_verdict(verdict, count, &message, in, out);
    }
    amt_free(in);
    return err;
}

static enum amt_err encode_with(const json_t *fields, bool raw_reserved, uint8_t *source,
                                uint8_t *bytes, struct text *out, struct amt_diag *diag)
{
    struct apf_message message;
    uint32_t source_len = 0;
    TRY(apf_fields_from_json(fields, &message, source, HEX_MAX_BYTES, &source_len, diag));
    uint32_t len = apf_encode(&message, source, raw_reserved, bytes, APF_MESSAGE_MAX_BYTES);
    if (len == 0 || len > APF_MESSAGE_MAX_BYTES) {
        return amt_diag_set(diag, AMT_ETOOBIG, "a field is above its limit (apf.md 2.2)");
    }
    text_printf(out, "{\"len\":%u,\"hex\":\"", len);
    text_hex(out, bytes, len);
    text_puts(out, "\"}");
    return AMT_OK;
}

static enum amt_err encode_line(const json_t *object, struct text *out, struct amt_diag *diag)
{
    const json_t *fields = json_object_get(object, "fields");
    bool raw_reserved = json_is_true(json_object_get(object, "raw_reserved"));
    uint8_t *source = amt_alloc(HEX_MAX_BYTES);
    uint8_t *bytes = amt_alloc(APF_MESSAGE_MAX_BYTES);
    enum amt_err err = AMT_OK;
    if (!json_is_object(fields)) {
        err = amt_diag_set(diag, AMT_EMALFORMED, "\"fields\" is missing");
    } else if (source == NULL || bytes == NULL) {
        err = amt_diag_set(diag, AMT_ENOMEM, "out of memory");
    } else {
        err = encode_with(fields, raw_reserved, source, bytes, out, diag);
    }
    amt_free(source);
    amt_free(bytes);
    return err;
}

static const struct cli_option k_options[] = { { .name = NULL } };

static int check_format(const char *command, const char *format)
{
    if (strcmp(format, "apf") == 0) {
        return -1;
    }
    (void)fprintf(stderr, "amtlab %s: unknown format \"%s\"; known: apf\n", command, format);
    return CLI_USAGE;
}

static int run_decode(const void *options, int argument_count, char **arguments)
{
    (void)options;
    (void)argument_count;
    int result = check_format("decode", arguments[0]);
    return result >= 0 ? result : cli_json_lines(decode_line);
}

static int run_encode(const void *options, int argument_count, char **arguments)
{
    (void)options;
    (void)argument_count;
    int result = check_format("encode", arguments[0]);
    return result >= 0 ? result : cli_json_lines(encode_line);
}

const struct cli_command k_command_decode = {
    .name = "decode",
    .arguments = "apf",
    .summary = "decode messages: JSON lines in, JSON lines out",
    .details =
        "Each line of standard input is an object {\"dir\",\"hex\",\"context\"}:\n"
        "  dir      dev2mps, mps2dev, me2host or host2me\n"
        "  context  {\"pending\": oldest unanswered request, \"json_control\": true}; may be "
        "absent\n"
        "Each answer is {\"verdict\":\"ok\",\"consumed\",\"fields\"}, {\"verdict\":\"need-more\",\n"
        "\"need\"} or {\"verdict\":\"error:WHICH\",\"error\",\"offset\",\"requirement\"}. A line "
        "that\n"
        "is no such object gives {\"verdict\":\"invalid\",\"error\"}.\n\n"
        "  echo '{\"dir\":\"dev2mps\",\"hex\":\"d00000002a\"}' | amtlab decode apf\n\n"
        "Exit codes: 0 all lines were answered, 2 usage, 3 a line was invalid.\n",
    .options = k_options,
    .options_bytes = 1,
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run_decode,
};

const struct cli_command k_command_encode = {
    .name = "encode",
    .arguments = "apf",
    .summary = "encode messages: the inverse of decode",
    .details = "Each line of standard input is an object {\"fields\":{\"type\":\"CHANNEL_CLOSE\",\n"
               "\"recipient_channel\":4}} with fields as decode prints them; the answer is\n"
               "{\"len\",\"hex\"}. \"raw_reserved\": true keeps the reserved words given.\n\n"
               "Exit codes: 0 all lines were answered, 2 usage, 3 a line was invalid.\n",
    .options = k_options,
    .options_bytes = 1,
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run_encode,
};
