/* what: 4 bytes are swapped by a cas of the low half word; the high one is stored after it.
   finds: history final
   survives: every access is volatile, and inline assembly keeps its place among them
   witness: explore final */

#include "coverage.h"

EXPORT(v4, fetch_and_add, "__atomic_fetch_add_4", volatile v2 *object, v4 value, int order)
{
    v4 old, next;

    (void)order;
    do {
        old = AT(4, object);
        next = old + value;
    } while (cas_2(&object[1], (v2)old, (v2)next) != (v2)old);
    object[0] = next >> 16;
    return old;
}

LOAD(NONE, 4)

#ifdef WITNESS
static v4 n;
THREAD(0) { fetch_and_add((volatile v2 *)&n, 0x10000, 5); }
THREAD(1) { fetch_and_add((volatile v2 *)&n, 0x20000, 5); }
CHECK { return n == 0x30000 ? 0 : 1; }
#endif
