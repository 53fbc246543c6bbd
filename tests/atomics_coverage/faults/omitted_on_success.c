/* what: Compare-exchange holds the lock for its comparison and stores after it: another may have come between.
   finds: history final
   survives: every access is volatile, and inline assembly keeps its place among them
   witness: explore final */

#include "coverage.h"

GLOBAL(ONE)

EXPORT(int, compare, "__atomic_compare_exchange_4", volatile void *object, volatile void *expected, v4 value,
       int order, int failure)
{
    v4 found;

    (void)order, (void)failure;
    ONE_enter(object, 4);
    found = AT(4, object);
    ONE_leave(object, 4);
    if (found != AT(4, expected)) {
        AT(4, expected) = found;
        return 0;
    }
    ONE_enter(object, 4);
    AT(4, object) = value;
    ONE_leave(object, 4);
    return 1;
}

LOAD(ONE, 4)
STORE(ONE, 4)

#ifdef WITNESS
static v4 n, zero[2];
static int won[2];
THREAD(0) { won[0] = compare(&n, &zero[0], 1, 5, 5); }
THREAD(1) { won[1] = compare(&n, &zero[1], 2, 5, 5); }
CHECK { return won[0] + won[1] == 1 ? 0 : 1; }
#endif
