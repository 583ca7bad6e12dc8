// Who may give rt_sigqueueinfo, rt_tgsigqueueinfo and pidfd_send_signal what: codes of the
// kernel's own only a thread to itself, nothing behind what a code has.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { SIGNALS = 4 };
static const int signals[SIGNALS] = {SIGSEGV, SIGBUS, SIGTRAP, SIGUSR1};
static const int codes[] = {0, -1, -2, -6, -7, -8, -60, -77, 1, 5, 6, 7, 10, 11, 128};

static long first, descriptor;

// By number of a process, of a thread, or by a descriptor of one.
enum by { PROCESS, THREAD, DESCRIPTOR };

// The error of sending, and the code of what has come by it.
static void send(const char *to, enum by by, long whom, int signal, int code, int behind) {
  siginfo_t info;
  memset(&info, 0, sizeof info);
  info.si_signo = by == DESCRIPTOR ? signal : SIGHUP;
  info.si_code = code;
  if (behind) ((char *)&info)[behind] = 1;
  errno = 0;
  if (by == THREAD)
    syscall(SYS_rt_tgsigqueueinfo, getpid(), whom, signal, &info);
  else if (by == PROCESS)
    syscall(SYS_rt_sigqueueinfo, whom, signal, &info);
  else
    syscall(SYS_pidfd_send_signal, whom, signal, &info, 0);
  int error = errno;
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  const struct timespec none = {0, 0}, soon = {5, 0};
  siginfo_t came = {0};
  int got = sigtimedwait(&set, &came, &none);
  printf(" %s %d", to, error);
  // What comes from the kernel, another thread may note a moment later.
  if (got < 0 && !error) got = sigtimedwait(&set, &came, &soon);
  if (got > 0) printf("(%d %d)", came.si_signo == signal, came.si_code);
}

static void *all(void *name) {
  long self = syscall(SYS_gettid);
  for (unsigned code = 0; code < sizeof codes / sizeof *codes; code++)
    for (int signal = 0; signal < SIGNALS; signal++)
      for (int behind = 0; behind <= 127; behind += 127 - 79 * (behind == 0)) {
        printf("%s %d %d %d:", (char *)name, codes[code], signals[signal], behind);
        send("process", PROCESS, getpid(), signals[signal], codes[code], behind);
        send("thread", THREAD, self, signals[signal], codes[code], behind);
        if (self != first) send("number", PROCESS, self, signals[signal], codes[code], behind);
        send("descriptor", DESCRIPTOR, descriptor, signals[signal], codes[code], behind);
        printf("\n");
      }
  return NULL;
}

int main(void) {
  sigset_t set;
  sigfillset(&set);
  sigprocmask(SIG_BLOCK, &set, NULL);
  first = getpid();
  descriptor = syscall(SYS_pidfd_open, first, 0);
  all("first");
  pthread_t thread;
  pthread_create(&thread, NULL, all, "second");
  pthread_join(thread, NULL);
  printf("forged\n");
  return 0;
}
