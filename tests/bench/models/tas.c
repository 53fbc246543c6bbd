/* A lock by test and set around an addition of two accesses, K times each. */
static volatile unsigned char lock;
static volatile int count;

static void body(int me)
{
    (void)me;
    for (int i = 0; i < K; i++) {
        while (__atomic_test_and_set(&lock, __ATOMIC_ACQUIRE))
            ;
        int seen = count;
        count = seen + 1;
        lock = 0;
    }
}

#include "threads.h"
int nextrust_check(void) { return count != N * K; }
