// What narrow.c and narrow_edges.c share: SAY prints a call, its result, and its error by name.
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *error(long result) { return result < 0 ? strerrorname_np(errno) : "fine"; }

#define SAY(call)                                                                                  \
    do {                                                                                           \
        errno = 0;                                                                                 \
        long result = (long)(call);                                                                \
        printf("%s: %ld %s\n", #call, result, error(result));                                      \
    } while (0)
