/* what: The load is two plain moves, between which another routine may write.
   finds: history
   survives: the routine is written with another suite: no level adds a lock
   witness: explore final */

#include "coverage.h"

GLOBAL(ONE)

SYNC_FETCH(ONE, add, 8)
LOAD(NONE, 8)

#ifdef WITNESS
static v8 n = 0xffffffffull, seen;
THREAD(0) { seen = atomic_load_8(&n, 5); }
THREAD(1) { sync_fetch_and_add_8(&n, 1); }
CHECK { return seen == 0xffffffffull || seen == 0x100000000ull ? 0 : 1; }
#endif
