// Processes become one program after the other while another asks for their
// executables: each answer is one of the programs, or that there is none.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCESSES 6
#ifdef __aarch64__
#define MACHINE 183
#else
#define MACHINE 62
#endif

static char names[2][3000];

static int is_one(const char *path) {
    return strcmp(path, names[0]) == 0 || strcmp(path, names[1]) == 0;
}

static void become(int left) {
    char text[20];
    snprintf(text, sizeof text, "%d", left);
    execl(names[left % 2], "another", names[0], names[1], text, NULL);
    _exit(3);
}

int main(int argc, char **argv) {
    if (argc < 3)
        return 2;
    strcpy(names[0], argv[1]);
    strcpy(names[1], argv[2]);
    if (argc > 3) {
        char link[3000] = "";
        if (readlink("/proc/self/exe", link, sizeof link - 1) < 0 || !is_one(link))
            return 4;
        int left = atoi(argv[3]);
        if (left > 0)
            become(left - 1);
        return 0;
    }
    pid_t processes[PROCESSES];
    for (int i = 0; i < PROCESSES; i++)
        if ((processes[i] = fork()) == 0)
            become(60);
    int running = PROCESSES, failed = 0, links = 0, files = 0, asked = 0;
    while (running > 0)
        for (int i = 0; i < PROCESSES; i++) {
            int status;
            if (processes[i] == 0)
                continue;
            if (waitpid(processes[i], &status, WNOHANG) > 0) {
                failed += status != 0;
                processes[i] = 0;
                running--;
                continue;
            }
            char path[50], link[3000];
            snprintf(path, sizeof path, "/proc/%d/exe", processes[i]);
            long length = readlink(path, link, sizeof link - 1);
            link[length < 0 ? 0 : length] = 0;
            links += length < 0 ? errno != ENOENT : !is_one(link);
            unsigned char head[20] = { 0 };
            int file = open(path, O_RDONLY);
            if (file < 0)
                files += errno != ENOENT;
            else
                files += read(file, head, sizeof head) != sizeof head || head[18] != MACHINE;
            close(file);
            asked++;
        }
    printf("failed %d, wrong links %d, wrong files %d, asked %d\n", failed, links, files, asked > PROCESSES);
    return 0;
}
