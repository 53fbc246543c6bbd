/* what: __sync_lock_release_2 stores without the lock, and is overwritten by an update in progress.
   finds: history final
   survives: the routine is written with another suite: no level adds a lock
   witness: explore final */

#include "coverage.h"

GLOBAL(ONE)

TEST_AND_SET(ONE, 2)
SYNC_FETCH(ONE, or, 2)
LOCK_RELEASE(NONE, 2)

#ifdef WITNESS
static v2 n = 1;
THREAD(0) { sync_fetch_and_or_2(&n, 2); }
THREAD(1) { sync_lock_release_2(&n); }
CHECK { return n == 0 || n == 2 ? 0 : 1; }
#endif
