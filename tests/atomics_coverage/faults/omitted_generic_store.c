/* what: The generic store copies without the lock: others see the begin of one value and the end of another.
   finds: history final
   survives: the routine is written with another suite: no level adds a lock
   witness: explore final */

#include "coverage.h"

GLOBAL(ONE)

GENERIC_STORE(NONE)
GENERIC_LOAD(ONE)
ATOMIC_FETCH(ONE, add, 4)
LOAD(ONE, 4)

#ifdef WITNESS
static byte n[6], seen[6];
static const byte ones[6] = {1, 1, 1, 1, 1, 1};
THREAD(0) { atomic_store(6, n, ones, 5); }
THREAD(1) { atomic_load(6, n, seen, 5); }
CHECK { return seen[0] == seen[5] ? 0 : 1; }
#endif
