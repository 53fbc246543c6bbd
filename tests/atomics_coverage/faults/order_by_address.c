/* what: Eight locks, by block number with its upper bits folded in, that of the lower block first: folding turns the
        order round for an object 128 bytes on.
   finds: deadlock
   survives: the order is that of two calls with side effects
   witness: explore deadlock */

#include "coverage.h"

LOCKS(table, 8);
#define INDEX(at) (((at) >> 4 ^ (at) >> 7) & 7)

SINGLE void PAIR_enter(volatile const void *object, size bytes)
{
    size first = INDEX((size)object), last = INDEX((size)object + bytes - 1);

    lock(&table[first]);
    if (last != first)
        lock(&table[last]);
}

SINGLE void PAIR_leave(volatile const void *object, size bytes)
{
    size first = INDEX((size)object), last = INDEX((size)object + bytes - 1);

    unlock(&table[first]);
    if (last != first)
        unlock(&table[last]);
}

SYNC_FETCH(PAIR, add, 8)
VAL_CAS(PAIR, 8)

#ifdef WITNESS
THREAD(0) { sync_fetch_and_add_8(arena + 12, 1); }
THREAD(1) { sync_fetch_and_add_8(arena + 140, 1); }
#endif
