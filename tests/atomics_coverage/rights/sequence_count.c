/* what: Loads of 8 bytes take no lock: a sequence count tells them whether a store was under way or has been made
        since.
   needs: overlap
   witness: explore */

#include "coverage.h"

GLOBAL(INNER)
static volatile v4 sequence;

SHORT void ONE_enter(volatile const void *object, size bytes)
{
    INNER_enter(object, bytes);
    sequence = sequence + 1;
}

SHORT void ONE_leave(volatile const void *object, size bytes)
{
    BARRIER();
    sequence = sequence + 1;
    INNER_leave(object, bytes);
}

STORE(ONE, 8)
ATOMIC_FETCH(ONE, sub, 8)
SYNC_FETCH(ONE, add, 4)

EXPORT(v8, load, "__atomic_load_8", volatile v4 *object, int order)
{
    union halves found;
    v4 before;

    (void)order;
    do {
        do
            before = sequence;
        while (before & 1);
        found.half[0] = object[0];
        found.half[1] = object[1];
    } while (sequence != before);
    return found.whole;
}

#ifdef WITNESS
static v8 n, seen;
THREAD(0) { atomic_store_8(&n, 0x100000001ull, 5); atomic_store_8(&n, 0x200000002ull, 5); }
THREAD(1) { seen = load((volatile v4 *)&n, 5); }
CHECK { return (seen >> 32) == (v4)seen ? 0 : 1; }
#endif
