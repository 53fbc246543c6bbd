/* what: Two blocks share a lock, and whether the second is to be taken is seen from the blocks, not from the locks: an
        object across such two waits for itself.
   finds: deadlock
   survives: the order is that of two calls with side effects
   witness: explore divergence */

#include "coverage.h"

LOCKS(table, 32);

SINGLE void TWICE_enter(volatile const void *object, size bytes)
{
    size first = (size)object >> 4, last = ((size)object + bytes - 1) >> 4;

    lock(&table[first >> 1 & 31]);
    if (last != first)
        lock(&table[last >> 1 & 31]);
}

SINGLE void TWICE_leave(volatile const void *object, size bytes)
{
    size first = (size)object >> 4, last = ((size)object + bytes - 1) >> 4;

    unlock(&table[first >> 1 & 31]);
    if (last != first)
        unlock(&table[last >> 1 & 31]);
}

SYNC_FETCH(TWICE, add, 4)
LOAD(TWICE, 4)

#ifdef WITNESS
THREAD(0) { sync_fetch_and_add_4(arena + 14, 1); }
#endif
