/* what: Of four routines, one takes no lock: __atomic_fetch_xor_8.
   finds: history final
   survives: the routine is written with another suite: no level adds a lock
   witness: explore final */

#include "coverage.h"

GLOBAL(ONE)

ATOMIC_FETCH(NONE, xor, 8)
ATOMIC_FETCH(ONE, add, 8)
STORE(ONE, 8)
LOAD(ONE, 8)

#ifdef WITNESS
static v8 n;
THREAD(0) { atomic_fetch_xor_8(&n, 0x100000001ull, 5); }
THREAD(1) { atomic_fetch_add_8(&n, 0x200000002ull, 5); }
CHECK { return n == 0x300000003ull ? 0 : 1; }
#endif
