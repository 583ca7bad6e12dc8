// A program that has used up its descriptors asks for its own executable; and
// one that runs is not made shorter by any name.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char name[3000], other[3100];
static struct stat me;

static const char *result(long result) { return result < 0 ? strerrorname_np(errno) : "done"; }

static void ask(const char *when) {
    char link[3000] = "";
    struct stat status = { 0 };
    long length = readlink("/proc/self/exe", link, sizeof link - 1);
    const char *leads = length < 0 ? strerrorname_np(errno) : strcmp(link, name) ? "elsewhere" : "here";
    const char *found = result(stat("/proc/self/exe", &status));
    printf("%s: leads %s, %s %d, ", when, leads, found, status.st_ino == me.st_ino);
    printf("%s %s, ", result(access("/proc/self/exe", X_OK)), result(access("/proc/self/exe/x", X_OK)));
    printf("%s ", result(open("/proc/self/exe", O_RDONLY)));
    printf("%s\n", result(open("/proc/thread-self/exe", O_RDWR)));
}

int main(int argc, char **argv) {
    setbuf(stdout, NULL);
    if (!realpath(argv[0], name) || stat(name, &me) != 0)
        return 1;
    snprintf(other, sizeof other, "%s-too", name);
    if (symlink(name, other) != 0)
        return 1;
    printf("shorter: %s", result(truncate(name, 1)));
    printf(" %s", result(truncate(other, 0)));
    printf(" %s", result(truncate(name, -1)));
    printf(" %s\n", result(truncate("/proc/self/exe", 1)));
    unlink(other);
    if (chmod(name, 0555) != 0)
        return 1;
    printf("not to be written: %s\n", result(truncate(name, me.st_size)));

    // More than a few, and fewer than a few hundred.
    for (int most = 300; most > 20; most /= 3) {
        struct rlimit limit = { most, 4096 };
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
            return 1;
        int count = 0, last = -1, got;
        while ((got = dup(1)) >= 0)
            count++, last = got > last ? got : last;
        printf("%d of %d: %s\n", last + 1, most, strerrorname_np(errno));
        ask("with none");
        close(last);
        ask("with one");
        closefrom(3);
        ask("with all");
    }
    return 0;
}
