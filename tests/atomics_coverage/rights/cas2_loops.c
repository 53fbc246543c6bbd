/* what: No lock: 8 bytes by loops around cas2, the load too.
   needs: overlap
   witness: explore */

#include "coverage.h"

#define LOOP(expression)                                                                                               \
    v8 old, next;                                                                                                      \
    do {                                                                                                               \
        old = AT(8, object);                                                                                           \
        next = (expression);                                                                                           \
    } while (cas_8(object, old, next) != old)

EXPORT(v8, fetch_and_sub, "__sync_fetch_and_sub_8", volatile void *object, v8 value)
{
    LOOP(old - value);
    return old;
}

EXPORT(void, store, "__atomic_store_8", volatile void *object, v8 value, int order)
{
    (void)order;
    LOOP(value);
}

EXPORT(v8, load, "__atomic_load_8", volatile void *object, int order)
{
    (void)order;
    return cas_8(object, 0, 0);
}

EXPORT(int, compare, "__atomic_compare_exchange_8", volatile void *object, volatile void *expected, v8 value,
       int order, int failure)
{
    v8 wanted = AT(8, expected), found = cas_8(object, wanted, value);

    (void)order, (void)failure;
    if (found == wanted)
        return 1;
    AT(8, expected) = found;
    return 0;
}

#ifdef WITNESS
static v8 n;
THREAD(0) { fetch_and_sub(&n, -1ull); }
THREAD(1) { fetch_and_sub(&n, -0x100000002ull); }
CHECK { return n == 0x100000003ull ? 0 : 1; }
#endif
