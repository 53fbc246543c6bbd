/* what: After three attempts the lock is taken for granted.
   finds: history final
   survives: every access is volatile, and inline assembly keeps its place among them
   witness: explore final */

#include "coverage.h"

static volatile byte held;

SINGLE void ONE_enter(volatile const void *object, size bytes)
{
    int left = 3;

    (void)object, (void)bytes;
    while (!try_lock(&held) && --left)
        ;
}

SHORT void ONE_leave(volatile const void *object, size bytes)
{
    (void)object, (void)bytes;
    unlock(&held);
}

SYNC_FETCH(ONE, xor, 4)
LOAD(ONE, 4)
STORE(ONE, 4)

#ifdef WITNESS
static v4 n;
THREAD(0) { sync_fetch_and_xor_4(&n, 1); }
THREAD(1) { sync_fetch_and_xor_4(&n, 2); }
CHECK { return n == 3 ? 0 : 1; }
#endif
