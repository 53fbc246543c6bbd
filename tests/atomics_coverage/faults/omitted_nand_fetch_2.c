/* what: Of five routines, one takes no lock: __atomic_nand_fetch_2.
   finds: history final
   survives: the routine is written with another suite: no level adds a lock
   witness: explore final */

#include "coverage.h"

GLOBAL(ONE)

SYNC_FETCH(ONE, nand, 2)
ATOMIC_OP(NONE, nand, 2)
ATOMIC_FETCH(ONE, or, 2)
EXCHANGE(ONE, 2)
LOAD(ONE, 2)

#ifdef WITNESS
static v2 n = 0x0f0f;
THREAD(0) { atomic_nand_fetch_2(&n, 0xffff, 5); } /* all bits turned over */
THREAD(1) { atomic_fetch_or_2(&n, 0xf000, 5); }
CHECK { return n == 0xf0f0 || n == 0x00f0 ? 0 : 1; }
#endif
