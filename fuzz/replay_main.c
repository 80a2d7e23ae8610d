/* Runs every file of the given folders through a fuzz target: regression tests without libFuzzer. */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "fuzz/target.h"

static unsigned replay(const char *path)
{
    struct stat status;
    FILE *file = NULL;
    if (stat(path, &status) != 0 || !S_ISREG(status.st_mode)) {
        return 0;
    }
    size_t len = (size_t)status.st_size;
    uint8_t *data = amt_alloc(len); /* exact: one byte past the end is a fault */
    file = data == NULL ? NULL : fopen(path, "re");
    unsigned count = 0;
    if (file != NULL && fread(data, 1, len, file) == len) {
        (void)LLVMFuzzerTestOneInput(data, len);
        count = 1;
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    amt_free(data);
    return count;
}

static unsigned replay_folder(const char *folder)
{
    DIR *directory = opendir(folder);
    unsigned count = 0;
    if (directory == NULL) {
        return replay(folder);
    }
    for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        char path[PATH_MAX];
        if (snprintf(path, sizeof path, "%s/%s", folder, entry->d_name) < (int)sizeof path) {
            count += replay(path);
        }
    }
    (void)closedir(directory);
    return count;
}

int main(int argc, char **argv)
{
    unsigned count = 0;
    for (int i = 1; i < argc; i++) {
        count += replay_folder(argv[i]);
    }
    (void)printf("%u inputs\n", count);
    return count == 0; /* an empty corpus is a mistake, not a pass */
}
