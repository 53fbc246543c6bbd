/* what: One lock for each size: right as long as objects of different sizes do not overlap.
   finds: history final
   needs: overlap
   survives: the routine is written with another suite: no level adds a lock
   witness: explore final */

#include "coverage.h"

GLOBAL(ONE)
GLOBAL(TWO)
GLOBAL(FOUR)

SYNC_FETCH(ONE, add, 1)
SYNC_FETCH(TWO, add, 2)
SYNC_FETCH(FOUR, add, 4)

#ifdef WITNESS
THREAD(0) { sync_fetch_and_add_4(arena, 1); }
THREAD(1) { sync_fetch_and_add_1(arena + 3, 2); }
CHECK { return AT(4, arena) == 3 ? 0 : 1; }
#endif
