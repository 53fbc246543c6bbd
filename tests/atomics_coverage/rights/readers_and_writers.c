/* what: A lock for one writer or many readers: loads share it.
   needs: overlap
   witness: explore */

#include "coverage.h"

/* The readers inside, or -1 for a writer. */
static volatile v4 inside;

SINGLE void ONE_enter(volatile const void *object, size bytes)
{
    (void)object, (void)bytes;
    while (cas_4(&inside, 0, -1u) != 0)
        ;
}

SHORT void ONE_leave(volatile const void *object, size bytes)
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
LOAD(READ, 4)
STORE(ONE, 8)
SYNC_FETCH(ONE, add, 4)
ATOMIC_FETCH(ONE, sub, 8)
GENERIC_LOAD(READ)
GENERIC_STORE(ONE)

#ifdef WITNESS
/* One object for all, so that both halves, the carry and the lock are in it. */
THREAD(0) { sync_fetch_and_add_4(arena + 4, 1); atomic_fetch_sub_8(arena, -1ull, 5); }
THREAD(1) { atomic_fetch_sub_8(arena, -0x100000002ull, 5); }
CHECK { return AT(8, arena) == 0x100000004ull ? 0 : 1; }
#endif
