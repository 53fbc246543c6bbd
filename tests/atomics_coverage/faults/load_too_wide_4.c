/* what: The load of 4 bytes reads 8: it looks at a neighbour, whose page may not be there.
   finds: outside
   survives: a volatile access is made in its whole width
   witness: explore fault */

#include "coverage.h"

GLOBAL(ONE)

EXPORT(v4, load, "__atomic_load_4", volatile void *object, int order)
{
    v4 found;

    (void)order;
    ONE_enter(object, 4);
    found = (v4)(AT(8, object) >> 32);
    ONE_leave(object, 4);
    return found;
}

SYNC_FETCH(ONE, add, 4)

#ifdef WITNESS
/* Where this thread returns to is in the last 4 bytes of its stack: there is no memory after them. */
THREAD(0) { load((byte *)__builtin_frame_address(0) + 4, 5); }
#endif
