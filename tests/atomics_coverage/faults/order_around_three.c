/* what: Three locks, by block number modulo 3, the first byte's and then the last's: three objects, each across two
        blocks, wait in a circle, and no two of them do.
   finds: deadlock
   survives: the order is that of two calls with side effects
   witness: explore deadlock */

#include "coverage.h"

LOCKS(table, 3);

SINGLE void PAIR_enter(volatile const void *object, size bytes)
{
    size first = ((size)object >> 4) % 3, last = (((size)object + bytes - 1) >> 4) % 3;

    lock(&table[first]);
    if (last != first)
        lock(&table[last]);
}

SINGLE void PAIR_leave(volatile const void *object, size bytes)
{
    size first = ((size)object >> 4) % 3, last = (((size)object + bytes - 1) >> 4) % 3;

    unlock(&table[first]);
    if (last != first)
        unlock(&table[last]);
}

SYNC_FETCH(PAIR, add, 2)
SYNC_FETCH(PAIR, add, 4)

#ifdef WITNESS
THREAD(0) { sync_fetch_and_add_4(arena + 14, 1); }
THREAD(1) { sync_fetch_and_add_4(arena + 30, 1); }
THREAD(2) { sync_fetch_and_add_4(arena + 46, 1); }
#endif
