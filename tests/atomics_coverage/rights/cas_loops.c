/* what: No lock: 1, 2 and 4 bytes by loops around cas, loads and stores by one move.
   needs: overlap
   witness: explore */

#include "coverage.h"

#define LOOP(N, expression)                                                                                            \
    v##N old, next;                                                                                                    \
    do {                                                                                                               \
        old = AT(N, object);                                                                                           \
        next = (v##N)(expression);                                                                                     \
    } while (cas_##N(object, old, next) != old)

EXPORT(v4, fetch_and_add, "__sync_fetch_and_add_4", volatile void *object, v4 value)
{
    LOOP(4, old + value);
    return old;
}

EXPORT(v2, nand_fetch, "__atomic_nand_fetch_2", volatile void *object, v2 value, int order)
{
    (void)order;
    LOOP(2, ~(old & value));
    return next;
}

EXPORT(v1, exchange, "__atomic_exchange_1", volatile void *object, v1 value, int order)
{
    (void)order;
    LOOP(1, value);
    return old;
}

EXPORT(v4, compare, "__sync_val_compare_and_swap_4", volatile void *object, v4 expected, v4 value)
{
    return cas_4(object, expected, value);
}

LOAD(NONE, 4)
STORE(NONE, 4)
LOCK_RELEASE(NONE, 1)

#ifdef WITNESS
static v4 n;
THREAD(0) { fetch_and_add(&n, 1); }
THREAD(1) { fetch_and_add(&n, 2); }
CHECK { return n == 3 ? 0 : 1; }
#endif
