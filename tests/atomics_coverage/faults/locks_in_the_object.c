/* what: The lock is bit 7 of the object's first byte: it is gone from the value, and a call waits for ever where it is
        set.
   finds: result deadlock
   survives: every access is volatile, and inline assembly keeps its place among them
   witness: explore divergence */

#include "coverage.h"

EXPORT(v4, fetch_and_add, "__sync_fetch_and_add_4", volatile void *object, v4 value)
{
    v4 old;

    lock(object);
    old = AT(4, object) & 0x7fffffff;
    AT(4, object) = (old + value) & 0x7fffffff;
    return old;
}

#ifdef WITNESS
static v4 n = 0x80000000;
THREAD(0) { fetch_and_add(&n, 1); }
#endif
