// Sets a filter that refuses getppid, and becomes the program that argument 1
// names, with the rest as its arguments. With argument 0 "child", asks.
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int count, char **arguments)
{
    if (!strcmp(arguments[0], "child")) {
        long result = syscall(SYS_getppid);
        printf("child: %s\n", result < 0 ? strerror(errno) : "let through");
        return 0;
    }
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EXDEV),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {4, filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, 2, &program))
        return 1;
    execv(arguments[1], arguments + (count > 2 ? 2 : 1));
    printf("%s: %s\n", arguments[1], strerror(errno));
    return 0;
}
