/* what: A lock for one writer or many readers, where one update takes it as a reader.
   finds: history final
   survives: the routine is written with another suite: no level adds a lock
   witness: explore final */

#include "coverage.h"

/* The readers inside, or -1 for a writer. */
static volatile v4 inside;

SINGLE void WRITE_enter(volatile const void *object, size bytes)
{
    (void)object, (void)bytes;
    while (cas_4(&inside, 0, -1u) != 0)
        ;
}

SHORT void WRITE_leave(volatile const void *object, size bytes)
{
    (void)object, (void)bytes;
    BARRIER();
    inside = 0;
}

SINGLE void READ_enter(volatile const void *object, size bytes)
{
    v4 now;

    (void)object, (void)bytes;
    do
        now = inside;
    while (now == -1u || cas_4(&inside, now, now + 1) != now);
}

SINGLE void READ_leave(volatile const void *object, size bytes)
{
    v4 now;

    (void)object, (void)bytes;
    do
        now = inside;
    while (cas_4(&inside, now, now - 1) != now);
}

LOAD(READ, 8)
STORE(WRITE, 8)
SYNC_FETCH(WRITE, add, 8)
SYNC_FETCH(READ, sub, 8)

#ifdef WITNESS
static v8 n = 3;
THREAD(0) { sync_fetch_and_sub_8(&n, 1); }
THREAD(1) { sync_fetch_and_sub_8(&n, 2); }
CHECK { return n == 0 ? 0 : 1; }
#endif
