// What a program sees whose absolute paths are looked for in a folder first.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

static const char *said(int result) { return result < 0 ? strerror(errno) : "ok"; }

static void about(const char *path) {
    char text[4096];
    struct stat status;
    struct statx more;
    struct statfs system;
    int file = open(path, O_RDONLY);
    printf("%s: open %s", path, said(file));
    if (file >= 0) {
        long length = read(file, text, sizeof text);
        printf(" '%.*s'", length > 0 ? (int)length - 1 : 0, text);
    }
    printf(", open to write %s", said(open(path, O_WRONLY)));
    printf(", stat %s", said(stat(path, &status)));
    printf(", lstat %s", said(lstat(path, &status)));
    printf(", statx %s", said(statx(AT_FDCWD, path, 0, STATX_BASIC_STATS, &more)));
    printf(", access %s", said(access(path, R_OK)));
    printf(", statfs %s", said(statfs(path, &system)));
    long length = readlink(path, text, sizeof text);
    if (length >= 0)
        printf(", readlink '%.*s'", (int)length, text);
    // Nothing here changes what is at the path.
    printf(", chdir %s\n", said(chdir(path)));
}

int main(int argc, char **argv) {
    if (argc > 1 && !strcmp(argv[1], "environment")) {
        for (char **variable = environ; *variable; variable++)
            puts(*variable);
        return 0;
    }
    for (int n = 1; n < argc; n++) {
        if (!strcmp(argv[n], "--")) {
            fflush(stdout);
            execv(argv[n + 1], argv + n + 1);
            printf("exec: %s\n", strerror(errno));
            return 1;
        }
        about(argv[n]);
    }
    puts("ran");
    return 0;
}
