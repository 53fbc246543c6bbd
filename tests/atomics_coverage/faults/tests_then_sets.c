/* what: The lock is tested by one instruction and set by the next.
   finds: history final
   survives: every access is volatile, and inline assembly keeps its place among them
   witness: explore final */

#include "coverage.h"

static volatile byte held;

SHORT void ONE_enter(volatile const void *object, size bytes)
{
    (void)object, (void)bytes;
    while (held)
        ;
    held = 1;
}

SHORT void ONE_leave(volatile const void *object, size bytes)
{
    (void)object, (void)bytes;
    unlock(&held);
}

SYNC_FETCH(ONE, sub, 8)
LOAD(ONE, 8)

#ifdef WITNESS
static v8 n = 3;
THREAD(0) { sync_fetch_and_sub_8(&n, 1); }
THREAD(1) { sync_fetch_and_sub_8(&n, 2); }
CHECK { return n == 0 ? 0 : 1; }
#endif
