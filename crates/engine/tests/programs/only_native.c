// Executes a program under a filter of system calls: one that ends who makes a call by another
// entry than x86-64's, or refuses that; or one that lets all through, or all but new processes.
// With nobody to execute it is such a program.
#define _GNU_SOURCE
#include <dirent.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// Memory, a directory's names, and a child.
static int usual(void) {
    char *memory = malloc(64 << 20);
    int count = 0, status = -1;
    DIR *directory = opendir("/proc/self");
    while (memory && directory && readdir(directory)) count++;
    pid_t child = fork();
    if (child == 0) _exit(7);
    waitpid(child, &status, 0);
    printf("%d names, a child ended with %d\n", count, WEXITSTATUS(status));
    return count < 20;
}

// What i386's entry does for 32-bit Arm.
static int semaphores(void) {
    int set = semget(IPC_PRIVATE, 2, IPC_CREAT | 0600);
    struct semid_ds facts = {0};
    int result = semctl(set, 0, IPC_STAT, &facts);
    printf("%d: %d semaphores\n", result, (int)facts.sem_nsems);
    semctl(set, 0, IPC_RMID);
    return result != 0;
}

int main(int count, char **arguments) {
    if (count == 2) return strcmp(arguments[1], "semaphores") ? usual() : semaphores();
#ifdef __x86_64__
    const char *how = arguments[1];
    unsigned entry = !strcmp(how, "kill") ? SECCOMP_RET_KILL_PROCESS
                   : !strcmp(how, "kill-thread") ? SECCOMP_RET_KILL_THREAD
                   : !strcmp(how, "trap") ? SECCOMP_RET_TRAP
                   : !strcmp(how, "refuse") ? SECCOMP_RET_ERRNO | 1
                   : SECCOMP_RET_ALLOW;
    unsigned clone = strcmp(how, "no-children") ? SECCOMP_RET_ALLOW : SECCOMP_RET_ERRNO | 1;
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, entry),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, clone),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {sizeof code / sizeof *code, code};
    if (!strcmp(how, "new-namespace") && unshare(CLONE_NEWUSER | CLONE_NEWPID)) {
        perror("unshare");
        return 1;
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter)) {
        perror("filter");
        return 1;
    }
    execv(arguments[2], arguments + 2);
    perror(arguments[2]);
#endif
    return 1;
}
