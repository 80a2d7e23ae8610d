#include "scenarios/engine/data_folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES 300u

const char *data_folder_make(struct arena *pool, struct amt_diag *diag)
{
    const char *parent = getenv("TMPDIR");
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof path, "%.200s/amtlab-case-XXXXXX",
                   parent == NULL || parent[0] == '\0' ? "/tmp" : parent);
    if (mkdtemp(path) == NULL) {
        (void)amt_diag_errno(diag, errno, "cannot make the folder %s", path);
        return NULL;
    }
    return pool_strdup(pool, path);
}

static void path_of(const char *folder, const char *name, char path[static PATH_BYTES])
{
    (void)snprintf(path, PATH_BYTES, "%.220s/%.60s", folder, name);
}

static int cut(const char *path)
{
    struct stat status;
    return stat(path, &status) != 0 ? -1 : truncate(path, status.st_size / 2);
}

/* A folder in the place of the file: opening works, reading does not, for root too. */
static int make_unreadable(const char *path)
{
    return unlink(path) != 0 ? -1 : mkdir(path, 0700);
}

enum amt_err data_folder_damage(const char *folder, const char *how, struct amt_diag *diag)
{
    static const struct damage {
        const char *how, *file;
        int (*act)(const char *path);
    } k_damages[] = { { "truncated", "mps.crt", cut },
                      { "truncated", "root.crt", cut },
                      { "unreadable", "mps.crt", make_unreadable },
                      { "unreadable", "root.crt", make_unreadable },
                      { "no_root_key", "root.key", unlink },
                      { "no_leaf", "mps.crt", unlink },
                      { "no_leaf", "mps.key", unlink },
                      { "new_root", "mps.crt", unlink },
                      { "new_root", "mps.key", unlink },
                      { "new_root", "root.crt", unlink },
                      { "new_root", "root.key", unlink } };
    bool is_known = strcmp(how, "kept") == 0;
    for (size_t i = 0; i < sizeof k_damages / sizeof k_damages[0]; i++) {
        char path[PATH_BYTES];
        if (strcmp(k_damages[i].how, how) != 0) {
            continue;
        }
        is_known = true;
        path_of(folder, k_damages[i].file, path);
        if (k_damages[i].act(path) != 0) {
            return amt_diag_errno(diag, errno, "cannot damage %s", path);
        }
    }
    return is_known ? AMT_OK
                    : amt_diag_set(diag, AMT_ECONFIG,
                                   "'certificates' is '%.40s'; there are kept truncated unreadable "
                                   "no_root_key no_leaf new_root",
                                   how);
}

void data_folder_remove(const char *folder)
{
    DIR *list = opendir(folder);
    for (const struct dirent *entry = NULL; list != NULL && (entry = readdir(list)) != NULL;) {
        char path[PATH_BYTES];
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            path_of(folder, entry->d_name, path);
            (void)remove(path);
        }
    }
    if (list != NULL) {
        (void)closedir(list);
    }
    (void)rmdir(folder);
}
