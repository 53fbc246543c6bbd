/* what: A load of 8 bytes reads the high half again and takes both for one value where it is the same: two stores may
        have been made, of which the second put it back.
   finds: history
   survives: every access is volatile, and inline assembly keeps its place among them; it takes two stores
   witness: explore final */

#include "coverage.h"

GLOBAL(ONE)

STORE(ONE, 8)
EXPORT(v8, load, "__atomic_load_8", volatile v4 *object, int order)
{
    union halves found;

    (void)order;
    do {
        found.half[0] = object[0];
        found.half[1] = object[1];
    } while (object[0] != found.half[0]);
    return found.whole;
}

#ifdef WITNESS
static v4 n[2] = {1, 1};
static v8 seen;
THREAD(0) { atomic_store_8(n, 0x200000002ull, 5); atomic_store_8(n, 0x100000003ull, 5); }
THREAD(1) { seen = load(n, 5); }
CHECK { return seen == 0x100000001ull || seen == 0x200000002ull || seen == 0x100000003ull ? 0 : 1; }
#endif
