/* what: The routines of one size, 8 bytes, take no lock; those of 4 and 2 bytes do.
   finds: history final
   survives: the routine is written with another suite: no level adds a lock
   witness: explore final */

#include "coverage.h"

GLOBAL(ONE)

SYNC_FETCH(ONE, add, 2)
SYNC_FETCH(ONE, add, 4)
STORE(ONE, 4)
SYNC_FETCH(NONE, add, 8)
STORE(NONE, 8)
LOAD(NONE, 8)

#ifdef WITNESS
static v8 n, seen;
THREAD(0) { atomic_store_8(&n, 0x100000001ull, 5); }
THREAD(1) { seen = atomic_load_8(&n, 5); }
CHECK { return seen == 0 || seen == 0x100000001ull ? 0 : 1; }
#endif
