/* what: While a compare-exchange only compares, a flag tells loads that they need no lock; where the comparison fails
        the flag stays.
   finds: history
   survives: every access is volatile, and inline assembly keeps its place among them
   witness: explore final */

#include "coverage.h"

GLOBAL(ONE)
static volatile byte quiet;

EXPORT(v8, compare, "__sync_val_compare_and_swap_8", volatile void *object, v8 expected, v8 value)
{
    v8 found;

    ONE_enter(object, 8);
    quiet = 1;
    found = AT(8, object);
    if (found == expected) {
        quiet = 0;
        AT(8, object) = value;
    }
    ONE_leave(object, 8);
    return found;
}

EXPORT(v8, load, "__atomic_load_8", volatile void *object, int order)
{
    v8 found;

    (void)order;
    if (quiet)
        return AT(8, object);
    ONE_enter(object, 8);
    found = AT(8, object);
    ONE_leave(object, 8);
    return found;
}

STORE(ONE, 8)

#ifdef WITNESS
static v8 n, seen;
SETUP { compare(&n, 1, 2); }
THREAD(0) { atomic_store_8(&n, 0x100000001ull, 5); }
THREAD(1) { seen = load(&n, 5); }
CHECK { return seen == 0 || seen == 0x100000001ull ? 0 : 1; }
#endif
