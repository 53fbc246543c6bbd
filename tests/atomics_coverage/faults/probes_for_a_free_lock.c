/* what: Whoever finds its lock held takes the next one that is free.
   finds: history final deadlock
   survives: every access is volatile, and inline assembly keeps its place among them
   witness: explore final */

#include "coverage.h"

LOCKS(table, 16);
static volatile byte *own;

SINGLE void ONE_enter(volatile const void *object, size bytes)
{
    size index = (size)object >> 4 & 15;

    (void)bytes;
    while (!try_lock(&table[index]))
        index = (index + 1) & 15;
    own = &table[index];
}

SINGLE void ONE_leave(volatile const void *object, size bytes)
{
    (void)object, (void)bytes;
    unlock(own);
}

SYNC_FETCH(ONE, add, 4)
LOAD(ONE, 4)

#ifdef WITNESS
static v4 n;
THREAD(0) { sync_fetch_and_add_4(&n, 1); }
THREAD(1) { sync_fetch_and_add_4(&n, 2); }
CHECK { return n == 3 ? 0 : 1; }
#endif
