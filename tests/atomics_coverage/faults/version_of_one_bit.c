/* what: An update is made where a version, counted modulo 2, is what it was when the old value was read: after two
        others it is that again.
   finds: history final
   survives: every access is volatile, and inline assembly keeps its place among them; it takes two other calls
   witness: explore final */

#include "coverage.h"

static volatile v4 version;

EXPORT(v4, fetch_and_add, "__sync_fetch_and_add_4", volatile void *object, v4 value)
{
    v4 old, before, now;

    do {
        before = version;
        old = AT(4, object);
        now = AT(4, object);
    } while (!cas2(&version, object, before, now, before ^ 1, old + value));
    return old;
}

#ifdef WITNESS
static v4 n;
THREAD(0) { fetch_and_add(&n, 1); }
THREAD(1) { fetch_and_add(&n, 2); fetch_and_add(&n, 4); }
CHECK { return n == 7 ? 0 : 1; }
#endif
