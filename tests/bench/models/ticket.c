/* A ticket lock around an addition of two accesses, K times each. */
static volatile int next, owner, count;

static void body(int me)
{
    (void)me;
    for (int i = 0; i < K; i++) {
        int ticket = __sync_fetch_and_add(&next, 1);
        while (owner != ticket)
            ;
        int seen = count;
        count = seen + 1;
        owner = ticket + 1;
    }
}

#include "threads.h"
int nextrust_check(void) { return count != N * K; }
