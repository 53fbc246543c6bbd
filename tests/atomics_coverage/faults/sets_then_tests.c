/* what: What the lock held is read, the lock is set whatever that was, and then the two are told apart: both may have
        read that it is free.
   finds: history final deadlock
   survives: every access is volatile, and inline assembly keeps its place among them
   witness: explore final */

#include "coverage.h"

static volatile byte held;

SHORT void ONE_enter(volatile const void *object, size bytes)
{
    byte was;

    (void)object, (void)bytes;
    do {
        was = held;
        held = 1;
    } while (was);
}

SHORT void ONE_leave(volatile const void *object, size bytes)
{
    (void)object, (void)bytes;
    unlock(&held);
}

ATOMIC_OP(ONE, add, 1)
LOAD(ONE, 1)

#ifdef WITNESS
static v1 n;
THREAD(0) { atomic_add_fetch_1(&n, 1, 5); }
THREAD(1) { atomic_add_fetch_1(&n, 2, 5); }
CHECK { return n == 3 ? 0 : 1; }
#endif
