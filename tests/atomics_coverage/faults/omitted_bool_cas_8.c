/* what: Of four routines, one takes no lock: __sync_bool_compare_and_swap_8.
   finds: history final
   survives: the routine is written with another suite: no level adds a lock
   witness: explore final */

#include "coverage.h"

GLOBAL(ONE)

BOOL_CAS(NONE, 8)
SYNC_FETCH(ONE, add, 8)
STORE(ONE, 8)
LOAD(ONE, 8)

#ifdef WITNESS
static v8 n;
static int won[2];
THREAD(0) { won[0] = sync_bool_compare_and_swap_8(&n, 0, 1); }
THREAD(1) { won[1] = sync_bool_compare_and_swap_8(&n, 0, 2); }
CHECK { return won[0] + won[1] == 1 ? 0 : 1; }
#endif
