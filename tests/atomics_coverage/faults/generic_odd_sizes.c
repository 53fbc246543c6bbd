/* what: Generic objects of 3, 5, 6 or 7 bytes take no lock: the case was forgotten.
   finds: history final
   survives: the size is an argument, which no level knows
   witness: explore final */

#include "coverage.h"

GLOBAL(ONE)

SHORT int forgotten(size bytes)
{
    return bytes == 3 || (bytes > 4 && bytes < 8);
}

SHORT void SOME_enter(volatile const void *object, size bytes)
{
    if (!forgotten(bytes))
        ONE_enter(object, bytes);
}

SHORT void SOME_leave(volatile const void *object, size bytes)
{
    if (!forgotten(bytes))
        ONE_leave(object, bytes);
}

GENERIC_STORE(SOME)
GENERIC_LOAD(SOME)
GENERIC_EXCHANGE(SOME)

#ifdef WITNESS
static byte n[3], seen[3];
static const byte ones[3] = {1, 1, 1};
THREAD(0) { atomic_store(3, n, ones, 5); }
THREAD(1) { atomic_load(3, n, seen, 5); }
CHECK { return seen[0] == seen[2] ? 0 : 1; }
#endif
