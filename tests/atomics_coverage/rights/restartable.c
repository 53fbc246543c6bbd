/* what: No lock: an update writes its name, reads, computes, and stores by a cas2 that also wants the name to be there
        still; whoever was interrupted by another update starts again.
   needs: overlap luck
   witness: explore */

#include "coverage.h"

static volatile v4 name;

#define SEQUENCE(expression)                                                                                           \
    v4 old, next;                                                                                                      \
    v4 own = (v4)&own;                                                                                                 \
    do {                                                                                                               \
        name = own;                                                                                                    \
        old = AT(4, object);                                                                                           \
        next = (expression);                                                                                           \
    } while (!cas2(&name, object, own, old, 0, next))

EXPORT(v4, fetch_and_xor, "__sync_fetch_and_xor_4", volatile void *object, v4 value)
{
    SEQUENCE(old ^ value);
    return old;
}

EXPORT(v4, sub_fetch, "__atomic_sub_fetch_4", volatile void *object, v4 value, int order)
{
    (void)order;
    SEQUENCE(old - value);
    return next;
}

EXPORT(v4, test_and_set, "__sync_lock_test_and_set_4", volatile void *object, v4 value)
{
    SEQUENCE(value);
    return old;
}

LOAD(NONE, 4)

#ifdef WITNESS
static v4 n;
THREAD(0) { fetch_and_xor(&n, 1); }
THREAD(1) { sub_fetch(&n, -2u, 5); }
CHECK { return n == 3 ? 0 : 1; }
#endif
