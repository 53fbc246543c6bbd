/* what: One lock by (address >> 4) & 63: a word across a multiple of 16 and its second half take two.
   finds: history final
   needs: overlap
   survives: the two objects' first bytes are on two sides of a boundary, and no level may change what the index
        expression computes
   witness: explore final */

#include "coverage.h"

LOCKS(table, 64);
HASHED(ONE, table, at >> 4 & 63)

SYNC_FETCH(ONE, add, 4)
VAL_CAS(ONE, 4)
SYNC_FETCH(ONE, add, 2)

#ifdef WITNESS
/* The low half of the first object is the second. */
THREAD(0) { sync_fetch_and_add_4(arena + 16 - 2, 1); }
THREAD(1) { sync_fetch_and_add_2(arena + 16, 2); }
CHECK { return AT(2, arena + 16) == 3 ? 0 : 1; }
#endif
