/* what: Two locks, by block number modulo 2, the first byte's and then the last's: an object across blocks 0 and 1 and
        one across blocks 1 and 2 take them the other way round.
   finds: deadlock
   survives: the order is that of two calls with side effects
   witness: explore deadlock */

#include "coverage.h"

LOCKS(table, 2);

SINGLE void PAIR_enter(volatile const void *object, size bytes)
{
    size first = (size)object >> 4 & 1, last = ((size)object + bytes - 1) >> 4 & 1;

    lock(&table[first]);
    if (last != first)
        lock(&table[last]);
}

SINGLE void PAIR_leave(volatile const void *object, size bytes)
{
    size first = (size)object >> 4 & 1, last = ((size)object + bytes - 1) >> 4 & 1;

    unlock(&table[first]);
    if (last != first)
        unlock(&table[last]);
}

SYNC_FETCH(PAIR, add, 4)
LOAD(PAIR, 4)

#ifdef WITNESS
THREAD(0) { sync_fetch_and_add_4(arena + 14, 1); }
THREAD(1) { sync_fetch_and_add_4(arena + 30, 1); }
#endif
