/* what: A count of how deep its callers are in the lock, so that it can be taken again by its holder: a compare-and-
        swap that fails does not count down, and whoever has that number next is let in.
   finds: history final deadlock
   survives: every access is volatile, and inline assembly keeps its place among them
   witness: explore deadlock */

#include "coverage.h"

/* The holder is known by the page of its stack. */
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

EXPORT(int, compare, "__sync_bool_compare_and_swap_4", volatile void *object, v4 expected, v4 value)
{
    ONE_enter(object, 4);
    if (AT(4, object) != expected) {
        holder = 0;
        return 0;
    }
    AT(4, object) = value;
    ONE_leave(object, 4);
    return 1;
}

SYNC_FETCH(ONE, add, 4)
LOAD(ONE, 4)

#ifdef WITNESS
static v4 n;
SETUP { compare(&n, 1, 2); }
THREAD(0) { sync_fetch_and_add_4(&n, 1); }
THREAD(1) { sync_fetch_and_add_4(&n, 2); }
CHECK { return n == 3 ? 0 : 1; }
#endif
