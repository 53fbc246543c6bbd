/* what: Tickets are counted modulo 2: the third thread holds the same ticket as the first.
   finds: history final
   survives: every access is volatile, and inline assembly keeps its place among them; two threads never hold equal
        tickets
   witness: explore final */

#include "coverage.h"

static volatile v4 next_ticket, serving;

SHORT void ONE_enter(volatile const void *object, size bytes)
{
    v4 own;

    (void)object, (void)bytes;
    do
        own = next_ticket;
    while (cas_4(&next_ticket, own, own ^ 1) != own);
    while (serving != own)
        ;
    BARRIER();
}

SHORT void ONE_leave(volatile const void *object, size bytes)
{
    (void)object, (void)bytes;
    BARRIER();
    serving = serving ^ 1;
}

SYNC_FETCH(ONE, add, 4)
LOAD(ONE, 4)

#ifdef WITNESS
static v4 n;
THREAD(0) { sync_fetch_and_add_4(&n, 1); }
THREAD(1) { sync_fetch_and_add_4(&n, 2); }
THREAD(2) { sync_fetch_and_add_4(&n, 4); }
CHECK { return n == 7 ? 0 : 1; }
#endif
