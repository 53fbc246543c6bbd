/* what: Sized routines take the lock of their size; the generic ones take that of 8 bytes whatever the size is.
   finds: history final
   survives: the routine is written with another suite: no level adds a lock
   witness: explore final */

#include "coverage.h"

GLOBAL(FOUR)
GLOBAL(EIGHT)

SYNC_FETCH(FOUR, add, 4)
SYNC_FETCH(EIGHT, add, 8)
GENERIC_EXCHANGE(EIGHT)
GENERIC_LOAD(EIGHT)

#ifdef WITNESS
static v4 n = 1, ten = 10, was;
THREAD(0) { sync_fetch_and_add_4(&n, 1); }
THREAD(1) { atomic_exchange(4, &n, &ten, &was, 5); }
CHECK { return (n == 10 && was == 2) || (n == 11 && was == 1) ? 0 : 1; }
#endif
