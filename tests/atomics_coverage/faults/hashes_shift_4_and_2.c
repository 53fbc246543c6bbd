/* what: Compare-and-swap takes the lock by word, the others that by 16-byte block.
   finds: history final
   survives: the two index expressions differ for the addresses named, and no level may change what they compute
   witness: explore final */

#include "coverage.h"

LOCKS(table, 64);
HASHED(FIRST, table, at >> 4 & 63)
HASHED(OTHER, table, at >> 2 & 63)

SYNC_FETCH(FIRST, add, 4)
LOAD(FIRST, 4)
VAL_CAS(OTHER, 4)

#ifdef WITNESS
#define N AT(4, arena + 8)
SETUP { N = 1; }
THREAD(0) { sync_fetch_and_add_4(arena + 8, 1); }
THREAD(1) { sync_val_compare_and_swap_4(arena + 8, 1, 10); }
CHECK { return N == 2 || N == 11 ? 0 : 1; }
#endif
