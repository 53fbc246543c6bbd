/* what: Objects of 4 bytes take the lower index first, those of 8 bytes the higher.
   finds: deadlock
   survives: the order is that of two calls with side effects
   witness: explore deadlock */

#include "coverage.h"

LOCKS(table, 64);
BOTH_ENDS(UP, table, at >> 4 & 63)

SINGLE void DOWN_enter(volatile const void *object, size bytes)
{
    size one = UP_index((size)object), other = UP_index((size)object + bytes - 1);

    lock(&table[one < other ? other : one]);
    if (one != other)
        lock(&table[one < other ? one : other]);
}

SYNC_FETCH(UP, add, 4)
#define DOWN_leave UP_leave
SYNC_FETCH(DOWN, add, 8)
LOAD(UP, 4)

#ifdef WITNESS
/* A table apart: different objects, the same two locks. */
THREAD(0) { sync_fetch_and_add_4(arena + 14, 1); }
THREAD(1) { sync_fetch_and_add_8(arena + 1024 + 12, 1); }
#endif
