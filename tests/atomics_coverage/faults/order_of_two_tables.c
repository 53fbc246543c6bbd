/* what: Every routine takes its object's lock and one more for all; compare-and-swap takes them the other way round.
   finds: deadlock
   survives: the order is that of two calls with side effects
   witness: explore deadlock */

#include "coverage.h"

LOCKS(table, 64);
HASHED(OBJECT, table, at >> 4 & 63)
GLOBAL(ALL)

SHORT void IN_enter(volatile const void *object, size bytes)
{
    OBJECT_enter(object, bytes);
    ALL_enter(object, bytes);
}

SHORT void IN_leave(volatile const void *object, size bytes)
{
    ALL_leave(object, bytes);
    OBJECT_leave(object, bytes);
}

SHORT void OUT_enter(volatile const void *object, size bytes)
{
    ALL_enter(object, bytes);
    OBJECT_enter(object, bytes);
}

SHORT void OUT_leave(volatile const void *object, size bytes)
{
    OBJECT_leave(object, bytes);
    ALL_leave(object, bytes);
}

SYNC_FETCH(IN, add, 2)
SYNC_OP(IN, sub, 2)
VAL_CAS(OUT, 2)
LOAD(IN, 2)

#ifdef WITNESS
static v2 n;
THREAD(0) { sync_fetch_and_add_2(&n, 1); }
THREAD(1) { sync_val_compare_and_swap_2(&n, 0, 1); }
#endif
