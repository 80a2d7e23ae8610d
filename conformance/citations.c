#include "conformance/citations.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "base/text.h"
#include "runtime/yaml.h"
#include "runtime/yaml_file.h"

#define DEPTH_MAX     12u
#define PATH_BYTES    1024u
#define REGISTRY_FILE "conformance/requirements.yaml"

struct scan {
    struct citations *citations;
    const struct registry *registry;
    const char *root;
    struct amt_diag_list *errors;
    enum amt_err err; /* of the first failure; the scan goes on */
};

const char *citation_kind_name(enum citation_kind kind)
{
    static const char *const k_names[CITATION_KIND_COUNT] = { "code", "test", "scenario" };
    return kind < CITATION_KIND_COUNT ? k_names[kind] : "?";
}

static bool is_capital(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
    return is_capital(c) || is_digit(c) || (c >= 'a' && c <= 'z') || c == '_';
}

/* Length of the id at text, 0 if there is none. */
static size_t id_length(const char *text)
{
    size_t len = 0;
    for (unsigned words = 0; words < 3; words++) {
        size_t word = 0;
        while (is_capital(text[len + word])) {
            word += 1;
        }
        if (word < 2 || text[len + word] != '-') {
            return 0;
        }
        len += word + 1;
        if (is_digit(text[len]) && is_digit(text[len + 1]) && is_digit(text[len + 2])) {
            return is_word(text[len + 3]) ? 0 : len + 3;
        }
    }
    return 0;
}

const char *citation_next(const char *text, size_t *len)
{
    bool is_inside = false; /* of a word: no id begins here */
    for (; *text != '\0'; text++) {
        *len = is_inside || !is_capital(*text) ? 0 : id_length(text);
        if (*len > 0) {
            return text;
        }
        is_inside = is_word(*text) || *text == '-';
    }
    return NULL;
}

static void keep_failure(struct scan *scan, enum amt_err err)
{
    scan->err = scan->err == AMT_OK ? err : scan->err;
}

static void add_unknown(struct scan *scan, const char *id, size_t len, const char *file,
                        uint32_t line)
{
    struct arena *arena = &scan->citations->arena;
    struct unknown_citation *unknown = arena_alloc(arena, sizeof *unknown);
    char *id_copy = arena_text(arena, id, len);
    char *file_copy = arena_text(arena, file, strlen(file));
    if (unknown == NULL || id_copy == NULL || file_copy == NULL) {
        keep_failure(scan, AMT_ENOMEM);
        return;
    }
    if (!registry_knows_family(scan->registry, id_copy)) {
        return;
    }
    unknown->id = id_copy;
    unknown->file = file_copy;
    unknown->line = line;
    if (scan->citations->unknown_last == NULL) {
        scan->citations->unknown_first = unknown;
    } else {
        scan->citations->unknown_last->next = unknown;
    }
    scan->citations->unknown_last = unknown;
}

/* Counts the ids of a text as kind; CITATION_KIND_COUNT: only looks for unknown ones. */
static void scan_text(struct scan *scan, const char *text, enum citation_kind kind,
                      const char *file)
{
    uint32_t line = 1;
    size_t len = 0;
    const char *counted = text;
    for (const char *id = citation_next(text, &len); id != NULL;
         id = citation_next(id + len, &len)) {
        for (; counted < id; counted++) {
            line += *counted == '\n' ? 1 : 0;
        }
        uint32_t index = registry_index(scan->registry, id, len);
        if (index == registry_count(scan->registry)) {
            add_unknown(scan, id, len, file, line);
        } else if (kind != CITATION_KIND_COUNT) {
            scan->citations->counts[index][kind] += 1;
        }
    }
}

static void count_scenario_id(struct scan *scan, const struct yaml_node *node)
{
    if (node != NULL && node->kind == YAML_SCALAR) {
        uint32_t index = registry_index(scan->registry, node->text, strlen(node->text));
        if (index < registry_count(scan->registry)) { /* scan_text reports the unknown ones */
            scan->citations->counts[index][CITATION_SCENARIO] += 1;
        }
    }
}

/* `spec:` holds ids, or maps with an id; it stands at the top and at steps. Depth is that of the
 * document, which yaml.h caps. */
static void scan_specs(struct scan *scan, const struct yaml_node *node)
{
    bool is_spec = node->key != NULL && strcmp(node->key, "spec") == 0;
    for (const struct yaml_node *child = node->first; child != NULL; child = child->next) {
        if (is_spec && node->kind == YAML_LIST) {
            count_scenario_id(scan, child->kind == YAML_MAP ? yaml_get(child, "id") : child);
        } else {
            scan_specs(scan, child);
        }
    }
}

static bool has_suffix(const char *path, const char *suffix)
{
    size_t len = strlen(path);
    size_t suffix_len = strlen(suffix);
    return len > suffix_len && strcmp(path + len - suffix_len, suffix) == 0;
}

static bool starts_with(const char *path, const char *start)
{
    return strncmp(path, start, strlen(start)) == 0;
}

static bool is_test(const char *relative)
{
    return strstr(relative, "/tests/") != NULL || starts_with(relative, "tests/") ||
           starts_with(relative, "fuzz/");
}

static bool is_scenario(const char *relative)
{
    return has_suffix(relative, ".yaml") && !is_test(relative) &&
           (starts_with(relative, "scenarios/") || starts_with(relative, "conformance/"));
}

static enum citation_kind kind_of(const char *relative)
{
    bool is_code = has_suffix(relative, ".c") || has_suffix(relative, ".h");
    if (is_test(relative) && !has_suffix(relative, ".md")) {
        return CITATION_TEST;
    }
    return is_code ? CITATION_CODE : CITATION_KIND_COUNT;
}

static void scan_scenario(struct scan *scan, const char *text, const char *path)
{
    struct yaml_document *document = yaml_load_text(text, path, scan->errors);
    if (document == NULL) {
        keep_failure(scan, AMT_ECONFIG);
        return;
    }
    scan_specs(scan, yaml_root(document));
    yaml_free(document);
}

static void scan_file(struct scan *scan, const char *path, const char *relative)
{
    static const char *const k_suffixes[] = { ".c", ".h", ".yaml", ".md", NULL };
    bool is_read = false;
    for (size_t i = 0; k_suffixes[i] != NULL; i++) {
        is_read = is_read || has_suffix(relative, k_suffixes[i]);
    }
    if (!is_read || strcmp(relative, REGISTRY_FILE) == 0) {
        return;
    }
    char *text = yaml_read_file(path, scan->errors);
    if (text == NULL) {
        keep_failure(scan, AMT_ESYS);
        return;
    }
    scan->citations->file_count += 1;
    scan_text(scan, text, kind_of(relative), relative);
    if (is_scenario(relative)) {
        scan_scenario(scan, text, path);
    }
    amt_free(text);
}

/* Not ours to read: hidden ones, builds, results. */
static bool is_skipped(const char *name)
{
    return name[0] == '.' || strcmp(name, "build") == 0 || starts_with(name, "build-") ||
           strcmp(name, "out") == 0 || strcmp(name, "node_modules") == 0;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

struct names {
    char **items;
    uint32_t count, capacity;
};

static enum amt_err add_name(struct names *names, const char *name)
{
    if (names->count >= names->capacity) {
        uint32_t capacity = names->capacity == 0 ? 16 : names->capacity * 2;
        char **larger = amt_resize(names->items, capacity * sizeof *larger);
        if (larger == NULL) {
            return AMT_ENOMEM;
        }
        names->items = larger;
        names->capacity = capacity;
    }
    char *copy = amt_strdup(name);
    if (copy == NULL) {
        return AMT_ENOMEM;
    }
    names->items[names->count++] = copy;
    return AMT_OK;
}

static void free_names(struct names *names)
{
    for (uint32_t i = 0; i < names->count; i++) {
        amt_free(names->items[i]);
    }
    amt_free(names->items);
}

static void fail_folder(struct scan *scan, const char *path, int errno_value)
{
    struct amt_diag *diag = amt_diag_list_add(scan->errors, AMT_ESYS, path, 0, 0);
    (void)amt_diag_errno(diag, errno_value, "cannot read this folder");
    keep_failure(scan, AMT_ESYS);
}

/* The names in a folder, sorted, so that the answer does not depend on the file system. */
static void read_names(struct scan *scan, const char *path, struct names *names)
{
    DIR *folder = opendir(path);
    if (folder == NULL) {
        fail_folder(scan, path, errno);
        return;
    }
    for (;;) {
        errno = 0; /* readdir answers NULL for the end and for an error */
        const struct dirent *entry = readdir(folder);
        if (entry == NULL) {
            break;
        }
        if (!is_skipped(entry->d_name) && add_name(names, entry->d_name) != AMT_OK) {
            keep_failure(scan, AMT_ENOMEM);
        }
    }
    if (errno != 0) {
        fail_folder(scan, path, errno);
    }
    (void)closedir(folder);
    if (names->count > 0) {
        qsort(names->items, names->count, sizeof *names->items, compare_names);
    }
}

static void scan_folder(struct scan *scan, const char *path, uint32_t depth);

static void scan_entry(struct scan *scan, const char *path, uint32_t depth)
{
    struct stat info;
    if (lstat(path, &info) != 0) {
        if (errno != ENOENT) { /* it may have gone while we looked */
            fail_folder(scan, path, errno);
        }
    } else if (S_ISDIR(info.st_mode)) {
        scan_folder(scan, path, depth + 1);
    } else if (S_ISREG(info.st_mode)) {
        scan_file(scan, path, path + strlen(scan->root) + 1);
    }
}

static void scan_folder(struct scan *scan, const char *path, uint32_t depth)
{
    if (depth > DEPTH_MAX) {
        (void)amt_diag_set(amt_diag_list_add(scan->errors, AMT_ELIMIT, path, 0, 0), AMT_ELIMIT,
                           "folders are nested deeper than %u", DEPTH_MAX);
        keep_failure(scan, AMT_ECONFIG);
        return;
    }
    struct names names = { 0 };
    read_names(scan, path, &names);
    for (uint32_t i = 0; i < names.count; i++) {
        char entry[PATH_BYTES];
        int len = snprintf(entry, sizeof entry, "%s/%s", path, names.items[i]);
        if (len < 0 || (size_t)len >= sizeof entry) {
            fail_folder(scan, path, ENAMETOOLONG);
        } else {
            scan_entry(scan, entry, depth);
        }
    }
    free_names(&names);
}

enum amt_err citations_read(struct citations *citations, const struct registry *registry,
                            const char *folder, struct amt_diag_list *errors)
{
    memset(citations, 0, sizeof *citations);
    citations->counts = amt_alloc_array(registry_count(registry), sizeof *citations->counts);
    if (citations->counts == NULL) {
        return AMT_ENOMEM;
    }
    struct scan scan = {
        .citations = citations, .registry = registry, .root = folder, .errors = errors
    };
    scan_folder(&scan, folder, 0);
    return scan.err;
}

void citations_fini(struct citations *citations)
{
    amt_free(citations->counts);
    arena_fini(&citations->arena);
    memset(citations, 0, sizeof *citations);
}
