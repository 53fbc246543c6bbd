/* what: The store is one plain move: one that falls between another routine's read and write is lost.
   finds: history final
   survives: the routine is written with another suite: no level adds a lock
   witness: explore final */

#include "coverage.h"

GLOBAL(ONE)

SYNC_FETCH(ONE, add, 4)
STORE(NONE, 4)
LOAD(ONE, 4)

#ifdef WITNESS
static v4 n = 1;
THREAD(0) { sync_fetch_and_add_4(&n, 1); }
THREAD(1) { atomic_store_4(&n, 10, 5); }
CHECK { return n == 10 || n == 11 ? 0 : 1; }
#endif
