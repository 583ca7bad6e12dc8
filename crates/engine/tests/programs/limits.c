// How long arguments and environment may be: prints the same on every machine.
// Argument 1 is an empty directory to work in.
#define _GNU_SOURCE
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST = 4000 };
static char *arguments[MOST + 10], *environment[MOST + 10];
static const char *path;
static int directory, flags;
static rlim_t stack;

// The exit code, or 256 and the error.
static int becomes(void)
{
    volatile int error = 0;
    int status;
    pid_t child = vfork();
    if (child == 0) {
        struct rlimit before, limit = {stack, RLIM_INFINITY};
        getrlimit(RLIMIT_STACK, &before);
        setrlimit(RLIMIT_STACK, &limit);
        syscall(SYS_execveat, directory, path, arguments, environment, flags);
        error = errno;
        setrlimit(RLIMIT_STACK, &before);
        _exit(1);
    }
    assert(waitpid(child, &status, 0) == child);
    return error ? 256 + error : WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// Strings of a length each, and one that varies: how long it may be at most.
static void find(const char *what, int count, size_t each, int in_environment)
{
    static char text[140000], last[140000];
    memset(arguments, 0, sizeof arguments);
    memset(environment, 0, sizeof environment);
    memset(text, 'x', sizeof text);
    memset(last, 'y', sizeof last);
    text[each] = 0;
    arguments[0] = "zero";
    char **list = in_environment ? environment : arguments + 1;
    for (int n = 0; n < count; n++)
        list[n] = text;
    list[count] = last;
    long low = -1, high = 132000;
    int error = 0;
    while (high - low > 1) {
        long middle = (low + high) / 2;
        last[middle] = 0;
        int code = becomes();
        last[middle] = 'y';
        if (code == 7) {
            low = middle;
        } else {
            error = code;
            high = middle;
        }
    }
    // What is between must not start and then end.
    int around = 0;
    for (long length = low > 600 ? low - 600 : 0; length <= low + 600; length += 171) {
        last[length] = 0;
        int code = becomes();
        last[length] = 'y';
        around += code == (length <= low ? 7 : 256 + E2BIG);
    }
    printf("%s, %d of %zu%s: %ld, then %d; around %d\n", what, count, each,
           in_environment ? " in the environment" : "", low, error, around);
}

static void all_of_program(void)
{
    stack = 8 << 20;
    find("program", 0, 0, 0);
    find("program", 15, 131071, 1);
    find("program", 3900, 520, 0);
    stack = 512 << 10;
    find("program", 2000, 40, 1);
    stack = 200 << 10;
    find("program", 100, 500, 1);
    stack = RLIM_INFINITY;
    find("program", 47, 131071, 0);
}

static void put(const char *name, const char *text)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0700);
    assert(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

int main(int count, char **given)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (count != 2 || given[1][0] != '/') {
        // All is there.
        extern char **environ;
        size_t length = 0;
        for (int n = 0; n < count; n++)
            length += strlen(given[n]);
        for (char **at = environ; *at; at++)
            length += strlen(*at);
        return length > 0 ? 7 : 8;
    }
    static char buffer[65536];
    int from = open(given[0], O_RDONLY);
    assert(chdir(given[1]) == 0);
    int to = open("p", O_WRONLY | O_CREAT, 0700);
    ssize_t length;
    while ((length = read(from, buffer, sizeof buffer)) > 0)
        assert(write(to, buffer, length) == length);
    close(to);
    put("script", "#!./p with an argument\n");
    put("second", "#!./script of its own\n");
    directory = AT_FDCWD;
    path = "p";
    all_of_program();
    stack = 8 << 20;
    path = "././././././././././././././././././././././././p";
    find("long name", 15, 131071, 0);
    path = "script";
    find("script", 15, 131071, 0);
    path = "second";
    find("script of a script", 15, 131071, 0);
    directory = open("p", O_RDONLY | O_CLOEXEC), path = "", flags = AT_EMPTY_PATH;
    find("descriptor", 15, 131071, 0);
    // Argument 0 counts, though a script takes its place.
    directory = AT_FDCWD, flags = 0, path = "script", stack = 8 << 20;
    memset(arguments, 0, sizeof arguments);
    memset(environment, 0, sizeof environment);
    static char zero[131073];
    memset(zero, 'z', 131071);
    arguments[0] = zero;
    for (int n = 1; n < 16; n++)
        arguments[n] = zero;
    printf("long zero: %d\n", becomes());
    arguments[15] = zero + 131071 - 130000;
    printf("a shorter one: %d\n", becomes());
    // On a stack that is about as small as programs run with.
    static char some[40000];
    memset(some, 's', sizeof some - 1);
    arguments[0] = some, arguments[1] = NULL, stack = 128 << 10;
    printf("small stack: %d\n", becomes());
    arguments[0] = zero;
    zero[131071] = 'z';
    printf("too long a zero: %d\n", becomes());
    return 0;
}
