// Long copies by FEAT_MOPS between ranges that overlap, at every kind of distance, and
// with a page in the way that is made accessible when it faults.
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define CHECK(c) ((c) ? (void)0 : (printf("failed in line %d: %s\n", __LINE__, #c), exit(1)))
#define PAGE 4096
#define PAGES 12

static unsigned char *area;
static unsigned char before[PAGES * PAGE], expected[PAGES * PAGE];
static int faults;

static void copy(unsigned char *to, unsigned char *from, uint64_t count)
{
    __asm__ volatile(".arch_extension mops\n\t"
                     "cpyp [%0]!, [%1]!, %2!\n\t"
                     "cpym [%0]!, [%1]!, %2!\n\t"
                     "cpye [%0]!, [%1]!, %2!"
                     : "+r"(to), "+r"(from), "+r"(count)
                     :
                     : "memory", "cc");
}

static void open_page(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)context;
    uint64_t page = (uint64_t)info->si_addr / PAGE * PAGE;
    mprotect((void *)page, PAGE, PROT_READ | PROT_WRITE);
    faults++;
}

// What a copy makes of the area, whose page `closed` faults first, if it is one.
static int is_right(long to, long from, long count, int closed, int right)
{
    memcpy(area, before, sizeof before);
    memcpy(expected, before, sizeof before);
    memcpy(expected + to, before + from, (size_t)count);
    if (closed >= 0)
        CHECK(mprotect(area + closed * PAGE, PAGE, right) == 0);
    copy(area + to, area + from, (uint64_t)count);
    if (closed >= 0)
        CHECK(mprotect(area + closed * PAGE, PAGE, PROT_READ | PROT_WRITE) == 0);
    return memcmp(area, expected, sizeof expected) == 0;
}

int main(void)
{
    static const long distances[] = {1, 3, 16, 31, 64, 100, 4095, 4096, 4097, 9000};
    static const long counts[] = {65, 100, 1000, 4096, 5000, 12345};
    struct sigaction action = {.sa_sigaction = open_page, .sa_flags = SA_SIGINFO};
    CHECK(sigaction(SIGSEGV, &action, NULL) == 0);
    area = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(area != MAP_FAILED);
    for (int n = 0; n < PAGES * PAGE; n++)
        before[n] = (unsigned char)(n * 7 + n / 251);
    for (unsigned d = 0; d < sizeof distances / sizeof *distances; d++)
        for (unsigned c = 0; c < sizeof counts / sizeof *counts; c++)
            for (long low = 4000; low < 4000 + 200; low += 67) {
                long high = low + distances[d];
                CHECK(is_right(high, low, counts[c], -1, PROT_READ));
                CHECK(is_right(low, high, counts[c], -1, PROT_READ));
                for (int closed = 1; closed < 4; closed++) {
                    CHECK(is_right(high, low, counts[c], closed, PROT_READ));
                    CHECK(is_right(low, high, counts[c], closed, PROT_NONE));
                }
            }
    CHECK(faults > 100);
    puts("bulk");
    return 0;
}
