/* Threads that count through a runtime's routines, under Linux for m68k: every count must arrive. Prints what is lost.

   One thread adds to 4 bytes, another to 8 bytes that end with these 4 and begin in the block before, a third swaps
   them by compare-and-swap, a fourth only loads and watches the count grow. */

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>

#define ROUNDS 100000

uint32_t add_4(void *, uint32_t) __asm__("__sync_fetch_and_add_4");
uint64_t add_8(void *, uint64_t, int) __asm__("__atomic_fetch_add_8");
uint64_t load_8(void *, int) __asm__("__atomic_load_8");
uint64_t swap_8(void *, uint64_t, uint64_t) __asm__("__sync_val_compare_and_swap_8");

static uint8_t arena[64] __attribute__((aligned(16)));
#define WIDE (arena + 10)
#define NARROW (arena + 14)
static pthread_barrier_t start;
static int failures;

static void *narrow(void *unused)
{
    int round;
    pthread_barrier_wait(&start);
    for (round = 0; round < ROUNDS; round++)
        add_4(NARROW, 1);
    return unused;
}

static void *wide(void *unused)
{
    int round;
    pthread_barrier_wait(&start);
    for (round = 0; round < ROUNDS; round++)
        add_8(WIDE, 1, 5);
    return unused;
}

static void *swapping(void *unused)
{
    int round;
    pthread_barrier_wait(&start);
    for (round = 0; round < ROUNDS; round++) {
        uint64_t seen, found = load_8(WIDE, 5);
        do {
            seen = found;
            found = swap_8(WIDE, seen, seen + 1);
        } while (found != seen);
    }
    return unused;
}

static void *watching(void *unused)
{
    uint64_t last = 0;
    int round;
    pthread_barrier_wait(&start);
    for (round = 0; round < ROUNDS; round++) {
        uint64_t now = load_8(WIDE, 5);
        failures += now < last;
        last = now;
    }
    return unused;
}

int main(void)
{
    void *(*const roles[])(void *) = {narrow, wide, swapping, watching};
    pthread_t threads[4];
    unsigned long lost;
    int index;

    pthread_barrier_init(&start, 0, 4);
    for (index = 0; index < 4; index++)
        if (pthread_create(&threads[index], 0, roles[index], 0))
            return 2;
    for (index = 0; index < 4; index++)
        pthread_join(threads[index], 0);
    lost = 3 * ROUNDS - (unsigned long)load_8(WIDE, 5);
    printf("%lu lost, %d went back\n", lost, failures);
    return lost || failures;
}
