// Reads clocks as programs do, by the C library; with an argument, by system calls.
#include <assert.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

int main(int count, char **arguments)
{
    struct timespec time = { -1, -1 };
    struct timeval day = { -1, -1 };
    (void)arguments;
    if (count > 1) {
        long words[4];
        return syscall(SYS_clock_gettime, CLOCK_MONOTONIC, words)
            || syscall(SYS_clock_getres, CLOCK_MONOTONIC, words) || syscall(SYS_gettimeofday, words, NULL);
    }
    assert(clock_gettime(CLOCK_MONOTONIC, &time) == 0 && time.tv_nsec >= 0);
    assert(clock_gettime(CLOCK_REALTIME, &time) == 0 && time.tv_sec > 0);
    assert(gettimeofday(&day, NULL) == 0 && day.tv_sec > 0);
    return 0;
}
