/* what: Compare-and-swap takes address bit 12 into its hash, the others do not: they agree for every address in which
        it is 0.
   finds: history final
   survives: the two index expressions differ for the addresses named, and no level may change what they compute
   witness: explore final */

#include "coverage.h"

LOCKS(table, 64);
HASHED(FIRST, table, at >> 4 & 63)
HASHED(OTHER, table, (at >> 4 ^ at >> 12) & 63)

SYNC_FETCH(FIRST, add, 8)
LOAD(FIRST, 8)
VAL_CAS(OTHER, 8)

#ifdef WITNESS
#define N AT(8, arena + 0x1000)
SETUP { N = 1; }
THREAD(0) { sync_fetch_and_add_8(arena + 0x1000, 1); }
THREAD(1) { sync_val_compare_and_swap_8(arena + 0x1000, 1, 10); }
CHECK { return N == 2 || N == 11 ? 0 : 1; }
#endif
