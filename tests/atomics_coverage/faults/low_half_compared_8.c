/* what: 8 bytes are swapped by a cas of the low half, and the high half is stored after it.
   finds: history final
   survives: every access is volatile, and inline assembly keeps its place among them
   witness: explore final */

#include "coverage.h"

EXPORT(v8, fetch_and_add, "__sync_fetch_and_add_8", volatile v4 *object, v8 value)
{
    union halves old, next;

    do {
        old.half[0] = object[0];
        old.half[1] = object[1];
        next.whole = old.whole + value;
    } while (cas_4(&object[1], old.half[1], next.half[1]) != old.half[1]);
    object[0] = next.half[0];
    return old.whole;
}

#ifdef WITNESS
static v4 n[2];
THREAD(0) { fetch_and_add(n, 0x100000000ull); }
THREAD(1) { fetch_and_add(n, 0x200000000ull); }
CHECK { return n[0] == 3 ? 0 : 1; }
#endif
