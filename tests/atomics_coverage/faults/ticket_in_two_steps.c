/* what: The next ticket is read and then counted up: two threads draw the same.
   finds: history final deadlock
   survives: every access is volatile, and inline assembly keeps its place among them
   witness: explore final */

#include "coverage.h"

static volatile v2 next_ticket, serving;

SHORT void ONE_enter(volatile const void *object, size bytes)
{
    v2 own = next_ticket;

    (void)object, (void)bytes;
    next_ticket = own + 1;
    while (serving != own)
        ;
    BARRIER();
}

SHORT void ONE_leave(volatile const void *object, size bytes)
{
    (void)object, (void)bytes;
    BARRIER();
    serving = serving + 1;
}

SYNC_FETCH(ONE, add, 4)
LOAD(ONE, 4)

#ifdef WITNESS
static v4 n;
THREAD(0) { sync_fetch_and_add_4(&n, 1); }
THREAD(1) { sync_fetch_and_add_4(&n, 2); }
CHECK { return n == 3 ? 0 : 1; }
#endif
