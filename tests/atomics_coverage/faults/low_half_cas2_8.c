/* what: The high half is compared with what has been read a moment ago, the low half with what was computed from: who
        changes only the high half in between is overwritten.
   finds: history final
   survives: every access is volatile, and inline assembly keeps its place among them; where both halves are changed
        the comparison sees it
   witness: explore final */

#include "coverage.h"

EXPORT(v8, fetch_and_add, "__sync_fetch_and_add_8", volatile v4 *object, v8 value)
{
    union halves old, next;

    do {
        old.whole = cas_8(object, 0, 0); /* both halves at once */
        next.whole = old.whole + value;
    } while (!cas2(&object[0], &object[1], object[0], old.half[1], next.half[0], next.half[1]));
    return old.whole;
}

EXPORT(v8, exchange, "__atomic_exchange_8", volatile v4 *object, v8 value, int order)
{
    union halves old, next;

    (void)order;
    next.whole = value;
    do {
        old.half[0] = object[0];
        old.half[1] = object[1];
    } while (!cas2(&object[0], &object[1], old.half[0], old.half[1], next.half[0], next.half[1]));
    return old.whole;
}

#ifdef WITNESS
static v4 n[2];
THREAD(0) { fetch_and_add(n, 0x100000000ull); }
THREAD(1) { fetch_and_add(n, 0x200000000ull); }
CHECK { return n[0] == 3 ? 0 : 1; }
#endif
