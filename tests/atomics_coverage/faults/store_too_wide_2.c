/* what: The store of 2 bytes writes 4.
   finds: neighbour
   survives: every access is volatile, and inline assembly keeps its place among them
   witness: qemu */

#include "coverage.h"

GLOBAL(ONE)

EXPORT(void, store, "__atomic_store_2", volatile void *object, v2 value, int order)
{
    (void)order;
    ONE_enter(object, 2);
    AT(4, object) = value * 0x10001u;
    ONE_leave(object, 2);
}

SYNC_FETCH(ONE, add, 2)
