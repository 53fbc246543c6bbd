/* what: Fetch-and-OP takes one lock and OP-and-fetch another.
   finds: history final
   survives: the routine is written with another suite: no level adds a lock
   witness: explore final */

#include "coverage.h"

GLOBAL(BEFORE)
GLOBAL(AFTER)

SYNC_FETCH(BEFORE, or, 1)
SYNC_FETCH(BEFORE, and, 1)
SYNC_OP(AFTER, or, 1)
SYNC_OP(AFTER, and, 1)

#ifdef WITNESS
static v1 n;
THREAD(0) { sync_fetch_and_or_1(&n, 1); }
THREAD(1) { sync_or_and_fetch_1(&n, 2); }
CHECK { return n == 3 ? 0 : 1; }
#endif
