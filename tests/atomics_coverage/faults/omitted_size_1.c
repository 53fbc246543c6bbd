/* what: The routines of one size, 1 byte, take no lock; those of 2 and 4 bytes do.
   finds: history final
   survives: the routine is written with another suite: no level adds a lock
   witness: explore final */

#include "coverage.h"

GLOBAL(ONE)

SYNC_FETCH(NONE, or, 1)
SYNC_OP(NONE, xor, 1)
SYNC_FETCH(ONE, or, 2)
SYNC_FETCH(ONE, or, 4)

#ifdef WITNESS
static v1 n;
THREAD(0) { sync_fetch_and_or_1(&n, 1); }
THREAD(1) { sync_xor_and_fetch_1(&n, 2); }
CHECK { return n == 3 ? 0 : 1; }
#endif
