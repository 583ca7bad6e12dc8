/* Two threads that hand work to each other, and each do some. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int turn;
static unsigned sums[2];

static void *work(void *argument)
{
    int me = *(int *)argument;
    char buffer[4096];
    for (int round = 0; round < 20000; round++) {
        pthread_mutex_lock(&lock);
        while (turn != me)
            pthread_cond_wait(&changed, &lock);
        turn = !me;
        pthread_cond_signal(&changed);
        pthread_mutex_unlock(&lock);
        memset(buffer, round, sizeof buffer);
        for (unsigned i = 0; i < sizeof buffer; i++)
            sums[me] = sums[me] * 31 + (unsigned char)buffer[i];
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[2];
    int names[2] = {0, 1};
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, work, &names[i]);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    printf("%u %u\n", sums[0], sums[1]);
    return 0;
}
