/* what: A waiter that finds another waiting goes on without the lock: right for two threads.
   finds: history final
   survives: every access is volatile, and inline assembly keeps its place among them
   witness: explore final */

#include "coverage.h"

static volatile byte held, waiting;

SINGLE void ONE_enter(volatile const void *object, size bytes)
{
    (void)object, (void)bytes;
    if (try_lock(&held))
        return;
    if (!try_lock(&waiting))
        return;
    lock(&held);
    unlock(&waiting);
}

SHORT void ONE_leave(volatile const void *object, size bytes)
{
    (void)object, (void)bytes;
    unlock(&held);
}

SYNC_FETCH(ONE, or, 4)
LOAD(ONE, 4)

#ifdef WITNESS
static v4 n;
THREAD(0) { sync_fetch_and_or_4(&n, 1); }
THREAD(1) { sync_fetch_and_or_4(&n, 2); }
THREAD(2) { sync_fetch_and_or_4(&n, 4); }
CHECK { return n == 7 ? 0 : 1; }
#endif
