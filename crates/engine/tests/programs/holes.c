// A program maps again what it has unmapped, while threads come and go that have
// stacks of its own: nothing else takes the place.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>

#define LENGTH (2ul << 20)
#define ROUNDS 3000

static _Alignas(4096) char stacks[4][1 << 16];
static volatile int over;

static void *nothing(void *argument) { return argument; }

static void *coming_and_going(void *stack) {
    while (!over) {
        pthread_t thread;
        pthread_attr_t attributes;
        pthread_attr_init(&attributes);
        pthread_attr_setstack(&attributes, stack, sizeof *stacks);
        if (!pthread_create(&thread, &attributes, nothing, 0))
            pthread_join(thread, 0);
    }
    return 0;
}

int main(void) {
    pthread_t makers[3];
    int taken = 0, error = 0;
    // The highest place that is free.
    char *place = mmap(0, LENGTH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < 3; i++)
        pthread_create(&makers[i], 0, coming_and_going, stacks[i]);
    for (int i = 0; i < ROUNDS; i++) {
        munmap(place, LENGTH);
        sched_yield();
        if (mmap(place, LENGTH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != place) {
            taken++;
            error = errno;
        }
    }
    over = 1;
    for (int i = 0; i < 3; i++)
        pthread_join(makers[i], 0);
    printf("taken: %d %d\n", taken, error);
    return 0;
}
