/* what: One lock for each size: objects of different sizes may not overlap, as C and Rust have it.
   witness: explore */

#include "coverage.h"

GLOBAL(TWO)
GLOBAL(FOUR)
GLOBAL(EIGHT)

SYNC_FETCH(TWO, add, 2)
SYNC_OP(TWO, sub, 2)
SYNC_FETCH(FOUR, add, 4)
EXCHANGE(FOUR, 4)
LOAD(EIGHT, 8)
STORE(EIGHT, 8)

#ifdef WITNESS
static v4 n = 5, was;
THREAD(0) { sync_fetch_and_add_4(&n, 1); }
THREAD(1) { was = atomic_exchange_4(&n, 9, 5); }
CHECK { return (was == 5 && n == 10) || (was == 6 && n == 9) ? 0 : 1; }
#endif
