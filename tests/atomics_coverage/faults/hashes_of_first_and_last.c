/* what: Add hashes the address of the first byte, compare-and-swap that of the last: they differ for objects across
        two blocks.
   finds: history final
   survives: the two index expressions differ for the addresses named, and no level may change what they compute
   witness: explore final */

#include "coverage.h"

LOCKS(table, 64);
HASHED(FIRST, table, at >> 4 & 63)
HASHED(LAST, table, at + 3 >> 4 & 63)

SYNC_FETCH(FIRST, add, 4)
LOAD(FIRST, 4)
VAL_CAS(LAST, 4)

#ifdef WITNESS
#define N AT(4, arena + 14)
SETUP { N = 1; }
THREAD(0) { sync_fetch_and_add_4(&N, 1); }
THREAD(1) { sync_val_compare_and_swap_4(&N, 1, 10); }
CHECK { return N == 2 || N == 11 ? 0 : 1; }
#endif
