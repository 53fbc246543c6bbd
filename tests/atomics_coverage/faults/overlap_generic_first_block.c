/* what: Generic objects take the lock of their first 16-byte block only; one of 12 bytes may reach into the next.
   finds: history final
   needs: overlap
   survives: the suites differ in the function that they call
   witness: explore final */

#include "coverage.h"

LOCKS(table, 64);
BOTH_ENDS(ENDS, table, at >> 4 & 63)
HASHED(FIRST, table, at >> 4 & 63)

SYNC_FETCH(ENDS, add, 4)
GENERIC_STORE(FIRST)
GENERIC_EXCHANGE(FIRST)
GENERIC_LOAD(FIRST)

#ifdef WITNESS
static const byte ones[12] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
THREAD(0) { atomic_store(12, arena + 8, ones, 5); }
THREAD(1) { sync_fetch_and_add_4(arena + 16, 0x01000000); }
CHECK { return AT(4, arena + 16) == 0x02010101 || AT(4, arena + 16) == 0x01010101 ? 0 : 1; }
#endif
