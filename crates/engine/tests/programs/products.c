/* Products of big numbers across pages that can't be accessed: at each fault a
 * handler lets the access through, and the program goes on from what it is
 * given back. Where registers, words or the carry were not what they must be
 * before the access, the product is wrong. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "../../../../benches/engine/bignum.h"

enum { PAGE = 4096, PAGES = 4, WORDS = PAGES * PAGE / 8 };

static uint64_t *number, *sum;
static volatile unsigned faults;

static void let_through(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)context;
    uintptr_t page = (uintptr_t)info->si_addr & -(uintptr_t)PAGE;
    faults++;
    if (mprotect((void *)page, PAGE, PROT_READ | PROT_WRITE))
        _Exit(1);
}

static uint64_t *pages(void)
{
    void *at = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return at == MAP_FAILED ? NULL : at;
}

static void protect(int numbers, int sums)
{
    if (mprotect(number, PAGES * PAGE, numbers) || mprotect(sum, PAGES * PAGE, sums))
        _Exit(1);
}

int main(void)
{
    struct sigaction action = {.sa_sigaction = let_through, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    number = pages();
    sum = pages();
    uint64_t hash = 0;
    for (unsigned round = 0; round < 24; round++) {
        protect(PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE);
        for (size_t i = 0; i < WORDS; i++) {
            number[i] = (i + 1) * 0x9e3779b97f4a7c15u;
            if (round & 4)
                number[i] = -(i % 7 < 5);
        }
        /* The words begin anywhere, so that either of a pair is the first that
         * can't be accessed; and the sum can't be read, or can't be written. */
        size_t from = round % 4 + 4, to = round / 2 % 4 + 2;
        protect(round & 8 ? PROT_READ | PROT_WRITE : PROT_NONE, round & 16 ? PROT_READ : PROT_NONE);
        uint64_t carry = add_product_chained(sum + to, number + from, WORDS - 8, ~number[0] | 1);
        carry += add_product(sum + to, number + from, WORDS - 8, 0xfedcba9876543211u);
        for (size_t i = 0; i < WORDS; i++)
            hash = (hash ^ sum[i]) * 0x9e3779b97f4a7c15u;
        printf("%u %016llx %016llx\n", round, (unsigned long long)carry, (unsigned long long)hash);
    }
    printf("%u faults\n", faults);
}
