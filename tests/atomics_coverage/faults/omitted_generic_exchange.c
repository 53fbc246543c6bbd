/* what: The generic exchange takes no lock, the generic load and store do.
   finds: history final
   survives: the routine is written with another suite: no level adds a lock
   witness: explore final */

#include "coverage.h"

GLOBAL(ONE)

GENERIC_EXCHANGE(NONE)
GENERIC_LOAD(ONE)
GENERIC_STORE(ONE)

#ifdef WITNESS
static byte n[2], one[2] = {1, 1}, two[2] = {2, 2}, was[2][2];
THREAD(0) { atomic_exchange(2, n, one, was[0], 5); }
THREAD(1) { atomic_exchange(2, n, two, was[1], 5); }
CHECK { return was[0][0] + was[1][0] != 0 && n[0] == n[1] ? 0 : 1; }
#endif
