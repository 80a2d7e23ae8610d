/* Passwords of administrators that the server makes. */
#include <string.h>

#include "base/base64.h"
#include "base/memory.h"
#include "mps/activation/config.h"

/* A digit, a lower and an upper letter, and something else (activation.md 6.5). */
static bool is_strong(const char *text)
{
    bool has_digit = false;
    bool has_lower = false;
    bool has_upper = false;
    bool has_other = false;
    for (; *text != '\0'; text++) {
        has_digit = has_digit || (*text >= '0' && *text <= '9');
        has_lower = has_lower || (*text >= 'a' && *text <= 'z');
        has_upper = has_upper || (*text >= 'A' && *text <= 'Z');
        has_other = has_other || strchr("+@", *text) != NULL;
    }
    return has_digit && has_lower && has_upper && has_other;
}

/* ACT-SRV-034: nine random bytes in base64, until they are strong. */
bool activation_password_draw(struct loop *loop, struct secret *password)
{
    bool is_good = false;
    for (int i = 0; i < 1000 && !is_good; i++) {
        uint8_t bytes[9];
        struct text text = { 0 };
        loop_random(loop, bytes, sizeof bytes);
        base64_encode(&text, bytes, sizeof bytes);
        for (size_t c = 0; c < text.len; c++) {
            if (text.chars[c] == '/') {
                text.chars[c] = '@';
            }
        }
        is_good = !text.failed && is_strong(text_chars(&text)) &&
                  secret_set(password, text.chars, (uint32_t)text.len) == AMT_OK;
        if (text.chars != NULL) {
            amt_wipe(text.chars, text.cap);
        }
        amt_wipe(bytes, sizeof bytes);
        text_fini(&text);
    }
    return is_good;
}
