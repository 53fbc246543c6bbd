/* what: One lock for everything that its holder, known by the page of its stack, may take again.
   needs: overlap
   witness: explore */

#include "coverage.h"

static volatile v4 holder, depth;

SINGLE void ONE_enter(volatile const void *object, size bytes)
{
    v4 self = (v4)__builtin_frame_address(0) >> 13;

    (void)object, (void)bytes;
    while (holder != self && cas_4(&holder, 0, self) != 0)
        ;
    depth = depth + 1;
}

SINGLE void ONE_leave(volatile const void *object, size bytes)
{
    (void)object, (void)bytes;
    BARRIER();
    depth = depth - 1;
    if (depth == 0)
        holder = 0;
}

SYNC_FETCH(ONE, add, 4)
LOAD(ONE, 4)

/* Made of the other two, within the lock. */
EXPORT(v4, add_and_fetch, "__sync_add_and_fetch_4", volatile void *object, v4 value)
{
    v4 found;

    ONE_enter(object, 4);
    sync_fetch_and_add_4(object, value);
    found = atomic_load_4(object, 5);
    ONE_leave(object, 4);
    return found;
}

#ifdef WITNESS
static v4 n, found[2];
THREAD(0) { found[0] = add_and_fetch(&n, 1); }
THREAD(1) { found[1] = add_and_fetch(&n, 2); }
CHECK { return n == 3 && (found[0] == 3) + (found[1] == 3) == 1 ? 0 : 1; }
#endif
