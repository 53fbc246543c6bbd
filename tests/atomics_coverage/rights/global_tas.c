/* what: One lock for everything, by tas.
   needs: overlap
   witness: explore */

#include "coverage.h"

GLOBAL(ONE)

SYNC_FETCH(ONE, add, 4)
SYNC_OP(ONE, nand, 4)
COMPARE_EXCHANGE(ONE, 4)
LOAD(ONE, 8)
STORE(ONE, 8)
ATOMIC_FETCH(ONE, sub, 8)
SYNC_FETCH(ONE, or, 2)
TEST_AND_SET(ONE, 1)
LOCK_RELEASE(ONE, 1)

#ifdef WITNESS
/* One object for all, so that both halves, the carry and the lock are in it. */
THREAD(0) { sync_fetch_and_add_4(arena + 4, 1); atomic_fetch_sub_8(arena, -1ull, 5); }
THREAD(1) { atomic_fetch_sub_8(arena, -0x100000002ull, 5); }
CHECK { return AT(8, arena) == 0x100000004ull ? 0 : 1; }
#endif
