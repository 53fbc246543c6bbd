/* what: An update of 8 bytes by cas2 is right; the load that goes with it is two moves.
   finds: history
   survives: every access is volatile, and inline assembly keeps its place among them
   witness: explore final */

#include "coverage.h"

EXPORT(v8, fetch_and_add, "__sync_fetch_and_add_8", volatile void *object, v8 value)
{
    v8 old, next;

    do {
        old = AT(8, object);
        next = old + value;
    } while (cas_8(object, old, next) != old);
    return old;
}

LOAD(NONE, 8)

#ifdef WITNESS
static v8 n = 0xffffffffull, seen;
THREAD(0) { fetch_and_add(&n, 1); }
THREAD(1) { seen = atomic_load_8(&n, 5); }
CHECK { return seen == 0xffffffffull || seen == 0x100000000ull ? 0 : 1; }
#endif
