/* what: Compare-and-swap rounds the address down to a word first, the others to a half word: odd half words differ.
   finds: history final
   survives: the two index expressions differ for the addresses named, and no level may change what they compute
   witness: explore final */

#include "coverage.h"

LOCKS(table, 64);
HASHED(FIRST, table, at >> 1 & 63)
HASHED(OTHER, table, at >> 2 << 1 & 63)

SYNC_FETCH(FIRST, add, 2)
LOAD(FIRST, 2)
VAL_CAS(OTHER, 2)

#ifdef WITNESS
#define N AT(2, arena + 2)
SETUP { N = 1; }
THREAD(0) { sync_fetch_and_add_2(arena + 2, 1); }
THREAD(1) { sync_val_compare_and_swap_2(arena + 2, 1, 10); }
CHECK { return N == 2 || N == 11 ? 0 : 1; }
#endif
