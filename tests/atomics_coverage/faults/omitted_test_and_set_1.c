/* what: Of four routines, one takes no lock: __sync_lock_test_and_set_1.
   finds: history final
   survives: the routine is written with another suite: no level adds a lock
   witness: explore final */

#include "coverage.h"

GLOBAL(ONE)

TEST_AND_SET(NONE, 1)
LOCK_RELEASE(ONE, 1)
BOOL_CAS(ONE, 1)
LOAD(ONE, 1)

#ifdef WITNESS
static v1 n, found[2];
THREAD(0) { found[0] = sync_lock_test_and_set_1(&n, 1); }
THREAD(1) { found[1] = sync_lock_test_and_set_1(&n, 1); }
CHECK { return found[0] + found[1] == 1 ? 0 : 1; }
#endif
