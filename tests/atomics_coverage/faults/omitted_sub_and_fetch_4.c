/* what: Of six routines under one lock, one takes none: __sync_sub_and_fetch_4.
   finds: history final
   survives: the routine is written with another suite: no level adds a lock
   witness: explore final */

#include "coverage.h"

GLOBAL(ONE)

SYNC_FETCH(ONE, add, 4)
SYNC_OP(NONE, sub, 4)
VAL_CAS(ONE, 4)
LOAD(ONE, 4)
STORE(ONE, 4)
SYNC_FETCH(ONE, add, 1)

#ifdef WITNESS
static v4 n = 10;
THREAD(0) { sync_sub_and_fetch_4(&n, 1); }
THREAD(1) { sync_fetch_and_add_4(&n, 5); }
CHECK { return n == 14 ? 0 : 1; }
#endif
