// Somebody sends a program what only a tracer's engine sends, and it is not traced: it goes
// on, or is stopped by what the sender could have sent as well. Every line is asserted.
#define _GNU_SOURCE
#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#undef NDEBUG

// The code by which a tracer's engine is known, and those beside it.
enum { FIRST = -0x4b49 - 8, LAST = -0x4b49 + 1 };

static void send(pid_t whom, int code, int number) {
    siginfo_t info;
    memset(&info, 0, sizeof info);
    info.si_signo = SIGTRAP;
    info.si_code = code;
    info.si_errno = number;
    info.si_value.sival_ptr = (void *)0xdead0;
    assert(syscall(SYS_rt_sigqueueinfo, whom, SIGTRAP, &info) == 0);
}

static volatile int handled;
static void note(int signal) {
    (void)signal;
    handled++;
}

int main(void) {
    static const int numbers[] = {0, 65, 200, -1, 1 << 30, SIGWINCH, SIGUSR1};
    for (int waits = 0; waits < 2; waits++) {
        int pair[2], ready[2];
        assert(pipe(pair) == 0 && pipe(ready) == 0);
        pid_t whom = fork();
        if (whom == 0) {
            struct sigaction action = {.sa_handler = note, .sa_flags = SA_RESTART};
            sigaction(SIGUSR1, &action, NULL);
            sigaction(SIGTRAP, &action, NULL);
            char byte = 'r';
            write(ready[1], &byte, 1);
            close(pair[1]);
            if (waits)
                _exit(read(pair[0], &byte, 1) == 1 && byte == 'x' ? 17 : 1);
            for (volatile long n = 0;; n++)
                ;
        }
        close(pair[0]);
        char byte;
        assert(read(ready[0], &byte, 1) == 1);
        for (int code = FIRST; code <= LAST; code++)
            for (unsigned n = 0; n < sizeof numbers / sizeof *numbers; n++)
                send(whom, code, numbers[n]);
        int status;
        if (waits) {
            assert(write(pair[1], "x", 1) == 1);
            assert(waitpid(whom, &status, 0) == whom);
            assert(status == 17 << 8);
        } else {
            usleep(20000);
            kill(whom, SIGKILL);
            assert(waitpid(whom, &status, 0) == whom);
            assert(status == SIGKILL);
        }
        close(pair[1]);
    }
    printf("all\n");
    return 0;
}
