/* what: 8 bytes are compared and swapped by one cas for each half.
   finds: history final
   survives: every access is volatile, and inline assembly keeps its place among them
   witness: explore final */

#include "coverage.h"

EXPORT(v8, compare, "__sync_val_compare_and_swap_8", volatile v4 *object, v8 expected, v8 value)
{
    union halves wanted, next, found;

    wanted.whole = expected;
    next.whole = value;
    found.half[0] = cas_4(&object[0], wanted.half[0], next.half[0]);
    if (found.half[0] != wanted.half[0]) {
        found.half[1] = object[1];
        return found.whole;
    }
    found.half[1] = cas_4(&object[1], wanted.half[1], next.half[1]);
    if (found.half[1] != wanted.half[1])
        object[0] = wanted.half[0];
    return found.whole;
}

#ifdef WITNESS
static v4 n[2];
static v8 was[2];
THREAD(0) { was[0] = compare(n, 0, 0x100000001ull); }
THREAD(1) { was[1] = compare(n, 0, 0x200000002ull); }
CHECK { return (was[0] == 0 && was[1] == 0x100000001ull) || (was[1] == 0 && was[0] == 0x200000002ull) ? 0 : 1; }
#endif
