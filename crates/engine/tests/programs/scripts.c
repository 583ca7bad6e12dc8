// Scripts of all forms, and errors of execve: prints the same on every machine.
// Argument 1 is an empty directory to work in.
#define _GNU_SOURCE
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void ended(const char *what, pid_t child)
{
    int status;
    assert(child > 0 && waitpid(child, &status, 0) == child);
    printf("%s: %x\n", what, status);
}

static void filter(void)
{
    struct sock_filter filter[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    struct sock_fprog program = {1, filter};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    assert(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0);
}

// Under filters, a program of another machine is none, whoever could run it.
static int filtered;

static void at(const char *what, int directory, const char *path, char **arguments,
               char **environment, int flags)
{
    pid_t child = fork();
    if (child == 0) {
        if (filtered)
            filter();
        syscall(SYS_execveat, directory, path, arguments, environment, flags);
        printf("%s: %s\n", what, strerrorname_np(errno));
        _exit(1);
    }
    ended(what, child);
}

static void run(const char *path)
{
    char *arguments[] = {"zero", "one", "two words", "", NULL};
    at(path, AT_FDCWD, path, arguments, environ, 0);
}

static void put(const char *name, const void *text, size_t length, mode_t mode)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert(fd >= 0 && write(fd, text, length) == (ssize_t)length);
    fchmod(fd, mode);
    close(fd);
}

static void script(const char *name, const char *text)
{
    put(name, text, strlen(text), 0755);
}

static void copy(const char *from_name, const char *to_name)
{
    static char buffer[65536];
    int from = open(from_name, O_RDONLY), to = open(to_name, O_WRONLY | O_CREAT, 0700);
    ssize_t length;
    while ((length = read(from, buffer, sizeof buffer)) > 0)
        assert(write(to, buffer, length) == length);
    close(from);
    close(to);
}

static void forms(void)
{
    static const char *const lines[] = {
        "#!./p\n",           "#!./p",           "#! ./p\n",          "#!\t ./p\t \n",
        "#!./p argument\n",  "#!./p  a  b \n",  "#!./p\ta\tb\t\n",   "#!./p\r\n",
        "#!./p -x\r\n",      "#!",              "#!\n",              "#! \n",
        "#!  \t",            "#!./nothing\n",   "#!.\n",             "#!./text\n",
        "#!./plain\n",       "#!./p/p\n",       "#!p\n",             " #!./p\n",
        "#",                 "",                "#!./p a\\ b\n",     "#!./p \"a\"\n",
        "#!./loop\n",        "#!./fifo\n",      "#!/dev/null\n",     "#!./empty\n",
        "#!./p\nsecond\n",   "#!./p a\f\v\n",   "#!\v./p\n",
    };
    for (size_t n = 0; n < sizeof lines / sizeof *lines; n++) {
        char name[20];
        snprintf(name, sizeof name, "./form%zu", n);
        script(name, lines[n]);
        run(name);
    }
    put("./zero", "#!./p\0a\n", 8, 0755);
    run("./zero");
    put("./zero2", "#!./p a\0b\n", 10, 0755);
    run("./zero2");
    put("./zero3", "#!./p \0b\n", 9, 0755);
    run("./zero3");
    put("./zero4", "#!\0./p\n", 7, 0755);
    run("./zero4");
    // Lines about as long as the kernel looks at.
    for (int length = 250; length <= 262; length++)
        for (int form = 0; form < 4; form++) {
            static char line[600];
            char name[20];
            memset(line, 0, sizeof line);
            strcpy(line, form == 0 ? "#!./p " : form == 3 ? "#!  " : "#!");
            if (form == 1 || form == 3)
                for (int n = 0; n < 100; n++)
                    strcat(line, "./");
            if (form == 2)
                memset(line + 2, ' ', 240), strcpy(line + 242, "./p ");
            if (form == 1 || form == 3)
                strcat(line, "p");
            int end = strlen(line);
            memset(line + end, form == 1 ? ' ' : 'a', length > end ? length - end : 0);
            line[length] = '\n';
            snprintf(name, sizeof name, "./long%d.%d", length, form);
            put(name, line, length + 1, 0755);
            run(name);
            put(name, line, length, 0755);
            run(name);
        }
}

static void chains(void)
{
    script("./s1", "#!./p one\n");
    for (int n = 2; n <= 7; n++) {
        char name[20], text[40];
        snprintf(name, sizeof name, "./s%d", n);
        snprintf(text, sizeof text, n == 3 ? "#!./s%d\n" : "#!./s%d argument %d\n", n - 1, n);
        script(name, text);
    }
    for (int n = 1; n <= 7; n++) {
        char name[20];
        snprintf(name, sizeof name, "./s%d", n);
        run(name);
    }
    // The last is not there, or no program.
    script("./m1", "#!./nothing\n");
    script("./t1", "#!./text\n");
    for (int n = 2; n <= 7; n++)
        for (const char *kind = "mt"; *kind; kind++) {
            char name[20], text[40];
            snprintf(name, sizeof name, "./%c%d", *kind, n);
            snprintf(text, sizeof text, "#!./%c%d\n", *kind, n - 1);
            script(name, text);
            run(name);
        }
    script("./itself", "#!./itself\n");
    run("./itself");
    script("./native", "#!/bin/sh\necho native \"$@\"; exit 3\n");
    script("./by", "#!./native\n");
    if (!filtered)
        run("./native"), run("./by");
}

static void descriptors(void)
{
    char *arguments[] = {"zero", "one", NULL}, *none[] = {NULL};
    int directory = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int open_directory = open(".", O_RDONLY | O_DIRECTORY);
    at("closing directory", directory, "p", arguments, environ, 0);
    at("directory", open_directory, "p", arguments, environ, 0);
    at("closing directory, script", directory, "s1", arguments, environ, 0);
    at("directory, script", open_directory, "s1", arguments, environ, 0);
    at("directory, absolute", directory, "/nothing", arguments, environ, 0);
    at("directory itself", directory, "", arguments, environ, AT_EMPTY_PATH);
    static const int flags[] = {O_RDONLY, O_RDONLY | O_CLOEXEC, O_PATH, O_PATH | O_CLOEXEC};
    for (int n = 0; n < 4; n++) {
        char what[40];
        int program = open("p", flags[n]), text = open("s1", flags[n]), long_one = open("s4", flags[n]);
        snprintf(what, sizeof what, "descriptor %d", n);
        // Whoever follows /proc finds it there.
        at(what, program, "", arguments, environ, AT_EMPTY_PATH);
        at(what, text, "", arguments, environ, AT_EMPTY_PATH);
        at(what, long_one, "", arguments, environ, AT_EMPTY_PATH);
        at(what, program, "", arguments, environ, 0);
        close(program), close(text), close(long_one);
    }
    at("no descriptor", 99, "", arguments, environ, AT_EMPTY_PATH);
    at("no directory", 99, "p", arguments, environ, 0);
    at("working directory", AT_FDCWD, "", arguments, environ, AT_EMPTY_PATH);
    at("link", AT_FDCWD, "link", arguments, environ, 0);
    at("link, not followed", AT_FDCWD, "link", arguments, environ, AT_SYMLINK_NOFOLLOW);
    at("not a link", AT_FDCWD, "p", arguments, environ, AT_SYMLINK_NOFOLLOW);
    at("unknown flag", AT_FDCWD, "p", arguments, environ, 0x40000000);
    at("no arguments", AT_FDCWD, "p", none, environ, 0);
    at("no arguments, script", AT_FDCWD, "s2", none, environ, 0);
    at("arguments null", AT_FDCWD, "p", NULL, environ, 0);
    at("environment null", AT_FDCWD, "p", arguments, NULL, 0);
}

// Which error comes first.
static void errors(void)
{
    char *arguments[] = {"zero", NULL}, *bad = (char *)8, *with_bad[] = {"zero", bad, NULL};
    static char text[140000];
    memset(text, 'x', sizeof text - 1);
    char *too_long[] = {"zero", text, NULL}, *long_before_bad[] = {text, bad, NULL},
         *bad_before_long[] = {bad, text, NULL};
    static const char *const paths[] = {"p", "nothing", "plain", "text", "broken", "loaderless", "s1",
                                        "m1", ".", "p/x", "loop", "fifo", "empty", "form1/",
                                        "badloader", "emptyloader", "plainloader", "nextloader", "directoryloader"};
    for (size_t n = 0; n < sizeof paths / sizeof *paths; n++) {
        char what[60];
        const char *path = paths[n];
        snprintf(what, sizeof what, "%s, bad argument", path);
        at(what, AT_FDCWD, path, with_bad, environ, 0);
        snprintf(what, sizeof what, "%s, bad arguments", path);
        at(what, AT_FDCWD, path, (char **)bad, environ, 0);
        snprintf(what, sizeof what, "%s, bad environment", path);
        at(what, AT_FDCWD, path, arguments, with_bad, 0);
        snprintf(what, sizeof what, "%s, long", path);
        at(what, AT_FDCWD, path, too_long, environ, 0);
        snprintf(what, sizeof what, "%s, long and bad", path);
        at(what, AT_FDCWD, path, long_before_bad, too_long, 0);
        snprintf(what, sizeof what, "%s, bad and long", path);
        at(what, AT_FDCWD, path, bad_before_long, too_long, 0);
        snprintf(what, sizeof what, "%s, unknown flag", path);
        at(what, AT_FDCWD, path, arguments, environ, 1);
        snprintf(what, sizeof what, "%s, right", path);
        at(what, AT_FDCWD, path, arguments, environ, 0);
    }
    at("bad path", AT_FDCWD, (char *)8, arguments, environ, 0);
    at("empty path", AT_FDCWD, "", arguments, environ, 0);
    memset(text, 'x', 5000);
    at("long path", AT_FDCWD, text, arguments, environ, 0);
    text[300] = 0;
    at("long name", AT_FDCWD, text, arguments, environ, 0);
    // Open to be written.
    int busy = open("p", O_WRONLY), busy_script = open("s1", O_WRONLY);
    at("busy program", AT_FDCWD, "p", arguments, environ, 0);
    at("busy script", AT_FDCWD, "s1", arguments, environ, 0);
    close(busy_script);
    at("busy interpreter", AT_FDCWD, "s1", arguments, environ, 0);
    at("busy interpreter, bad argument", AT_FDCWD, "s1", with_bad, environ, 0);
    at("busy, bad argument", AT_FDCWD, "p", with_bad, environ, 0);
    close(busy);
    at("no longer busy", AT_FDCWD, "p", arguments, environ, 0);
}

// What was asked only, since Linux 6.14.
static void checks(void)
{
    char *arguments[] = {"zero", NULL};
    static const char *const paths[] = {"p", "nothing", "plain", "text", "broken", "s1", "m1", "."};
    for (size_t n = 0; n < sizeof paths / sizeof *paths; n++) {
        long result = syscall(SYS_execveat, AT_FDCWD, paths[n], arguments, environ, 0x10000);
        printf("check of %s: %ld %s\n", paths[n], result, result ? strerrorname_np(errno) : "");
    }
}

static void prepare(const char *self, const char *place)
{
    assert(chdir(place) == 0);
    copy(self, "p");
    copy(self, "plain");
    chmod("plain", 0644);
    script("text", "neither a program nor a script\n");
    script("empty", "");
    symlink("p", "link");
    symlink("loop", "loop");
    mkfifo("fifo", 0755);
    // A header and nothing behind it; a loader that is not there, or no program.
    static char file[4 << 20];
    int fd = open(self, O_RDONLY);
    ssize_t length = read(fd, file, sizeof file);
    close(fd);
    put("broken", file, 60, 0755);
    unsigned long *words = (unsigned long *)file;
    char *first = file + words[4];
    while (*(unsigned *)first != 4) // PT_NOTE
        first += 56;
    static const char *const loaders[][2] = {
        {"loaderless", "/nothing"}, {"badloader", "./text"}, {"emptyloader", "./empty"},
        {"plainloader", "./plain"}, {"nextloader", "./broken"}, {"directoryloader", "."},
    };
    for (int n = 0; n < 6; n++) {
        *(unsigned *)first = 3; // PT_INTERP
        ((unsigned long *)first)[1] = 300000;
        ((unsigned long *)first)[4] = strlen(loaders[n][1]) + 1;
        strcpy(file + 300000, loaders[n][1]);
        put(loaders[n][0], file, length, 0755);
    }
}

int main(int count, char **arguments)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (count != 2 || arguments[1][0] != '/') {
        char name[17] = "";
        prctl(PR_GET_NAME, name);
        printf("%s, %s:", (char *)getauxval(AT_EXECFN), name);
        for (int n = 0; n < count; n++)
            if (strlen(arguments[n]) < 100)
                printf(" '%s'", arguments[n]);
            else
                printf(" %zu", strlen(arguments[n]));
        printf(", %d\n", environ[0] != NULL);
        return 7;
    }
    prepare(arguments[0], arguments[1]);
    for (filtered = 0; filtered < 2; filtered++) {
        forms();
        chains();
        descriptors();
        errors();
    }
    checks();
    return 0;
}
