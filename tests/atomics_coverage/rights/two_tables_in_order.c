/* what: Two locks for an object, one of each of two tables with different hashes, always that of the first table
        first.
   witness: explore */

#include "coverage.h"

LOCKS(near, 64);
LOCKS(far, 16);
HASHED(NEAR, near, at >> 4 & 63)
HASHED(FAR, far, at >> 8 & 15)

SINGLE void ONE_enter(volatile const void *object, size bytes)
{
    NEAR_enter(object, bytes);
    FAR_enter(object, bytes);
}

SINGLE void ONE_leave(volatile const void *object, size bytes)
{
    FAR_leave(object, bytes);
    NEAR_leave(object, bytes);
}

SYNC_FETCH(ONE, add, 4)
VAL_CAS(ONE, 4)
ATOMIC_FETCH(ONE, and, 4)
LOAD(ONE, 4)

#ifdef WITNESS
static v4 n;
THREAD(0) { sync_fetch_and_add_4(&n, 1); }
THREAD(1) { sync_fetch_and_add_4(&n, 2); }
CHECK { return n == 3 ? 0 : 1; }
#endif
