/* what: 64 locks by 4-byte word: an object takes those of all words that it covers, by ascending index.
   needs: overlap
   witness: explore */

#include "coverage.h"

LOCKS(table, 64);

SHORT int covers(volatile const void *object, size bytes, size index)
{
    size first = (size)object >> 2, last = ((size)object + bytes - 1) >> 2;

    return ((index - first) & 63) <= last - first;
}

SINGLE void ONE_enter(volatile const void *object, size bytes)
{
    size index;

    for (index = 0; index < 64; index++)
        if (covers(object, bytes, index))
            lock(&table[index]);
}

SINGLE void ONE_leave(volatile const void *object, size bytes)
{
    size index;

    for (index = 0; index < 64; index++)
        if (covers(object, bytes, index))
            unlock(&table[index]);
}

SYNC_FETCH(ONE, add, 4)
ATOMIC_FETCH(ONE, sub, 8)
SYNC_FETCH(ONE, or, 2)

#ifdef WITNESS
/* Across a block's end, and two objects that overlap there. */
THREAD(0) { sync_fetch_and_add_4(arena + 14, 1); }
THREAD(1) { atomic_fetch_sub_8(arena + 10, -2ull, 5); }
CHECK { return AT(8, arena + 10) == 3 ? 0 : 1; }
#endif
