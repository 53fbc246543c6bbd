/* what: Compare-and-swap has a mask for 256 locks, the others one for 64: they agree where address bits 10 and 11 are
        0.
   finds: history final
   survives: the two index expressions differ for the addresses named, and no level may change what they compute
   witness: explore final */

#include "coverage.h"

LOCKS(table, 256);
HASHED(FIRST, table, at >> 4 & 63)
HASHED(OTHER, table, at >> 4 & 255)

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
