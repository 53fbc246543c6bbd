/* what: Compare-and-swap folds the upper bits of the block number in by exclusive or, the others leave them out.
   finds: history final
   survives: the two index expressions differ for the addresses named, and no level may change what they compute
   witness: explore final */

#include "coverage.h"

LOCKS(table, 64);
HASHED(FIRST, table, at >> 4 & 63)
HASHED(OTHER, table, (at >> 4 ^ at >> 10) & 63)

SYNC_FETCH(FIRST, add, 4)
LOAD(FIRST, 4)
VAL_CAS(OTHER, 4)

#ifdef WITNESS
#define N AT(4, arena + 0x400)
SETUP { N = 1; }
THREAD(0) { sync_fetch_and_add_4(arena + 0x400, 1); }
THREAD(1) { sync_val_compare_and_swap_4(arena + 0x400, 1, 10); }
CHECK { return N == 2 || N == 11 ? 0 : 1; }
#endif
