/* what: __sync_* takes one lock and __atomic_* another: each family is right among its own.
   finds: history final
   survives: the routine is written with another suite: no level adds a lock
   witness: explore final */

#include "coverage.h"

GLOBAL(SYNC)
GLOBAL(ATOMIC)

SYNC_FETCH(SYNC, add, 4)
SYNC_OP(SYNC, add, 4)
VAL_CAS(SYNC, 4)
ATOMIC_FETCH(ATOMIC, add, 4)
ATOMIC_OP(ATOMIC, sub, 4)
COMPARE_EXCHANGE(ATOMIC, 4)

#ifdef WITNESS
static v4 n;
THREAD(0) { sync_add_and_fetch_4(&n, 1); }
THREAD(1) { atomic_sub_fetch_4(&n, -2, 5); }
CHECK { return n == 3 ? 0 : 1; }
#endif
