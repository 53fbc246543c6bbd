/* what: A compare-exchange tells its caller what the object holds after the lock has been given back, not what it
        compared.
   finds: history
   survives: every access is volatile, and inline assembly keeps its place among them; it takes a comparison that fails
        and a store of what was expected
   witness: explore final */

#include "coverage.h"

GLOBAL(ONE)

EXPORT(int, compare, "__atomic_compare_exchange_4", volatile void *object, volatile void *expected, v4 value,
       int order, int failure)
{
    int equal;

    (void)order, (void)failure;
    ONE_enter(object, 4);
    equal = AT(4, object) == AT(4, expected);
    if (equal)
        AT(4, object) = value;
    ONE_leave(object, 4);
    if (!equal)
        AT(4, expected) = AT(4, object);
    return equal;
}

STORE(ONE, 4)
LOAD(ONE, 4)

#ifdef WITNESS
static v4 n = 1, expected;
static int equal;
THREAD(0) { equal = compare(&n, &expected, 5, 5, 5); }
THREAD(1) { atomic_store_4(&n, 0, 5); }
CHECK { return equal || expected != 0 ? 0 : 1; }
#endif
