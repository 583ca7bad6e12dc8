// What inotify tells of files that are executed. Argument 1 is an empty directory
// to work in.
#define _GNU_SOURCE
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void put(const char *name, const char *text)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0700);
    assert(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

static void run(const char *what, const char *watched, int descriptor, const char *path, int flags)
{
    char *arguments[] = {"zero", "child", NULL}, events[4096];
    int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC), status;
    assert(inotify_add_watch(watch, watched, IN_ALL_EVENTS) >= 0);
    pid_t child = fork();
    if (child == 0) {
        syscall(SYS_execveat, descriptor, path, arguments, environ, flags);
        _exit(errno);
    }
    assert(waitpid(child, &status, 0) == child);
    printf("%s: %x:", what, status);
    ssize_t length = read(watch, events, sizeof events);
    for (char *at = events; length > 0 && at < events + length;) {
        struct inotify_event *event = (struct inotify_event *)at;
        printf(" %s", event->mask & IN_OPEN              ? "open"
                      : event->mask & IN_ACCESS          ? "access"
                      : event->mask & IN_CLOSE_NOWRITE   ? "close"
                                                         : "other");
        at += sizeof *event + event->len;
    }
    putchar('\n');
    close(watch);
}

int main(int count, char **given)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (count != 2 || given[1][0] != '/')
        return 7;
    static char buffer[65536];
    int from = open(given[0], O_RDONLY);
    assert(chdir(given[1]) == 0);
    int to = open("p", O_WRONLY | O_CREAT, 0700);
    ssize_t length;
    while ((length = read(from, buffer, sizeof buffer)) > 0)
        assert(write(to, buffer, length) == length);
    close(to);
    put("script", "#!./p\n");
    put("second", "#!./script\n");
    put("native", "#!/bin/true\n");
    put("text", "text\n");
    put("plain", "#!./p\n");
    chmod("plain", 0600);
    int descriptor = open("p", O_RDONLY);
    run("program", "p", AT_FDCWD, "p", 0);
    run("script", "script", AT_FDCWD, "script", 0);
    run("its program", "p", AT_FDCWD, "script", 0);
    run("script of a script", "second", AT_FDCWD, "second", 0);
    run("its script", "script", AT_FDCWD, "second", 0);
    run("native", "native", AT_FDCWD, "native", 0);
    run("text", "text", AT_FDCWD, "text", 0);
    run("not executable", "plain", AT_FDCWD, "plain", 0);
    run("descriptor", "p", descriptor, "", AT_EMPTY_PATH);
    return 0;
}
