/* what: Both multiply by 2654435761; compare-and-swap keeps seven upper bits, the others six.
   finds: history final
   survives: the two index expressions differ for the addresses named, and no level may change what they compute
   witness: explore final */

#include "coverage.h"

LOCKS(table, 128);
HASHED(FIRST, table, (at >> 4) * 2654435761u >> 26)
HASHED(OTHER, table, (at >> 4) * 2654435761u >> 25)

SYNC_FETCH(FIRST, add, 4)
LOAD(FIRST, 4)
VAL_CAS(OTHER, 4)

#ifdef WITNESS
#define N AT(4, arena + 0x20)
SETUP { N = 1; }
THREAD(0) { sync_fetch_and_add_4(arena + 0x20, 1); }
THREAD(1) { sync_val_compare_and_swap_4(arena + 0x20, 1, 10); }
CHECK { return N == 2 || N == 11 ? 0 : 1; }
#endif
