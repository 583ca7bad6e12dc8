// The first process of a machine that a test makes: runs what /steps says, line
// by line, and says what came of it. A line is
//
//     keys OPTION...        the engine runs /keys, which tries to write code
//     run PROGRAM ARGUMENT...   the engine runs it
//     native PROGRAM ARGUMENT...   it runs by itself
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST 16
#define PAGE 4096
static const char *const ENGINE = "/engine";
static char pattern[PAGE];
static const char fresh[PAGE];

static void fail(const char *what)
{
    perror(what);
    fflush(stdout);
    reboot(RB_AUTOBOOT);
}

// Starts the engine, with pipes at standard input and output if they are wanted.
static pid_t start(char *const *arguments, int *to, int *from)
{
    int in[2], out[2];
    if (to && (pipe(in) || pipe(out)))
        fail("pipe");
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        if (to)
            dup2(in[0], 0), dup2(out[1], 1), close(in[1]), close(out[0]);
        else
            dup2(1, 2);
        execv(ENGINE, arguments);
        _exit(127);
    }
    if (to)
        close(in[0]), close(out[1]), *to = in[1], *from = out[0];
    return child;
}

static void ended(pid_t child)
{
    int status;
    waitpid(child, &status, 0);
    if (WIFEXITED(status))
        printf("exit status: %d\n", WEXITSTATUS(status));
    else
        printf("signal: %d\n", WTERMSIG(status));
}

// The last page of what a process writes its translated code through, where no
// code is yet.
static uint64_t page_of_code(pid_t process)
{
    char path[64], line[512], permissions[8];
    uint64_t start, end, page = 0;
    snprintf(path, sizeof path, "/proc/%d/maps", process);
    FILE *maps = fopen(path, "r");
    while (maps && fgets(line, sizeof line, maps))
        if (sscanf(line, "%lx-%lx %4s", &start, &end, permissions) == 3
            && !strcmp(permissions, "rw-s") && end - start == 128 << 20)
            page = end - PAGE;
    if (!page)
        fail("no code memory");
    fclose(maps);
    return page;
}

static void keys(char **options)
{
    char *arguments[MOST + 2] = {"engine"};
    int to, from, count = 1;
    while (options[count - 1])
        arguments[count] = options[count - 1], count++;
    arguments[count] = "/keys";
    pid_t child = start(arguments, &to, &from);
    FILE *said = fdopen(from, "r");
    char line[256], path[64];
    if (!fgets(line, sizeof line, said) || strcmp(line, "ready\n"))
        fail("the guest");
    uint64_t page = page_of_code(child);
    snprintf(path, sizeof path, "/proc/%d/mem", child);
    int memory = open(path, O_RDWR);
    if (pwrite(memory, pattern, PAGE, page) != PAGE)
        fail("pattern");
    dprintf(to, "%lx\n", page);
    while (fgets(line, sizeof line, said)) {
        char now[PAGE];
        if (pread(memory, now, PAGE, page) != PAGE || pwrite(memory, pattern, PAGE, page) != PAGE)
            fail("page");
        line[strcspn(line, "\n")] = 0;
        // After a fork the engine may have other memory there, which nobody has written.
        int same = !memcmp(now, pattern, PAGE) || !memcmp(now, fresh, PAGE);
        printf("%s, %s\n", line, same ? "unchanged" : "changed");
        dprintf(to, "go on\n");
    }
    close(memory), close(to), fclose(said);
    ended(child);
}

static void run(char **program)
{
    char *arguments[MOST + 2] = {"engine"};
    for (int n = 0; program[n]; n++)
        arguments[n + 1] = program[n];
    ended(start(arguments, NULL, NULL));
}

static void native(char **program)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        dup2(1, 2);
        execv(program[0], program);
        _exit(127);
    }
    ended(child);
}

// What the processor's flags say.
static void processor(void)
{
    char line[8192];
    FILE *info = fopen("/proc/cpuinfo", "r");
    while (info && fgets(line, sizeof line, info))
        if (!strncmp(line, "flags", 5)) {
            printf("%s\n", strstr(line, " ospke") ? "has keys" : "has no keys");
            break;
        }
    if (info)
        fclose(info);
}

int main(void)
{
    char line[512];
    memset(pattern, 0x5a, PAGE);
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (mount("proc", "/proc", "proc", 0, NULL) || mount("dev", "/dev", "devtmpfs", 0, NULL))
        fail("mount");
    mkdir("/dev/shm", 01777);
    if (mount("shm", "/dev/shm", "tmpfs", 0, NULL))
        fail("shm");
    printf("== machine\n");
    processor();
    FILE *steps = fopen("/steps", "r");
    while (steps && fgets(line, sizeof line, steps)) {
        char *words[MOST] = {0};
        int count = 0;
        printf("== %s", line);
        for (char *word = strtok(line, " \n"); word && count < MOST - 1; word = strtok(NULL, " \n"))
            words[count++] = word;
        if (count && !strcmp(words[0], "keys"))
            keys(words + 1);
        else if (count > 1 && !strcmp(words[0], "run"))
            run(words + 1);
        else if (count > 1 && !strcmp(words[0], "native"))
            native(words + 1);
    }
    printf("== end\n");
    fflush(stdout);
    reboot(RB_AUTOBOOT);
}
