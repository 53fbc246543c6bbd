/* what: Compare-and-swap takes block number modulo 67, the others modulo 61.
   finds: history final
   survives: the two index expressions differ for the addresses named, and no level may change what they compute
   witness: explore final */

#include "coverage.h"

LOCKS(table, 67);
HASHED(FIRST, table, (at >> 4) % 61)
HASHED(OTHER, table, (at >> 4) % 67)

SYNC_FETCH(FIRST, add, 1)
LOAD(FIRST, 1)
VAL_CAS(OTHER, 1)

#ifdef WITNESS
#define N AT(1, arena + 0x400)
SETUP { N = 1; }
THREAD(0) { sync_fetch_and_add_1(arena + 0x400, 1); }
THREAD(1) { sync_val_compare_and_swap_1(arena + 0x400, 1, 10); }
CHECK { return N == 2 || N == 11 ? 0 : 1; }
#endif
