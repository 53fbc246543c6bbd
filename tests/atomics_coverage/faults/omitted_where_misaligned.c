/* what: Objects that are not aligned to their size take no lock, as if there were none: m68k has such objects.
   finds: history final
   survives: the test is on an argument, which no level knows
   witness: explore final */

#include "coverage.h"

GLOBAL(ONE)

SHORT void SOME_enter(volatile const void *object, size bytes)
{
    if (((size)object & (bytes - 1)) == 0)
        ONE_enter(object, bytes);
}

SHORT void SOME_leave(volatile const void *object, size bytes)
{
    if (((size)object & (bytes - 1)) == 0)
        ONE_leave(object, bytes);
}

SYNC_FETCH(SOME, add, 4)
SYNC_FETCH(SOME, add, 8)
VAL_CAS(SOME, 4)

#ifdef WITNESS
THREAD(0) { sync_fetch_and_add_4(arena + 2, 1); }
THREAD(1) { sync_fetch_and_add_4(arena + 2, 2); }
CHECK { return AT(4, arena + 2) == 3 ? 0 : 1; }
#endif
