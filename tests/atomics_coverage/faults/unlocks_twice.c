/* what: The lock is given back a second time when the answer is made: by then it may be another's.
   finds: history final
   survives: every access is volatile, and inline assembly keeps its place among them; it takes a third call to be let
        in by it
   witness: explore final */

#include "coverage.h"

GLOBAL(ONE)

SYNC_FETCH(ONE, add, 4)
EXPORT(v4, and_fetch, "__atomic_and_fetch_4", volatile void *object, v4 value, int order)
{
    v4 next;

    (void)order;
    ONE_enter(object, 4);
    next = AT(4, object) & value;
    AT(4, object) = next;
    ONE_leave(object, 4);
    ONE_leave(object, 4);
    return next;
}

LOAD(ONE, 4)

#ifdef WITNESS
static v4 n = 0xf;
THREAD(0) { and_fetch(&n, 0xff, 5); }
THREAD(1) { sync_fetch_and_add_4(&n, 0x10); }
THREAD(2) { sync_fetch_and_add_4(&n, 0x20); }
CHECK { return n == 0x3f ? 0 : 1; }
#endif
