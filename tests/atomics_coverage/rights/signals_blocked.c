/* what: One lock for everything, and signals blocked by trap #4 while it is held, so that handlers may use it too.
   needs: overlap signals
   witness: none no other model here has signal masks */

#include "coverage.h"

/* sigblock and sigsetmask: the mask before. */
SHORT v4 signals(v4 number, v4 mask)
{
    register v4 d0 __asm__("d0") = number;
    register v4 d1 __asm__("d1") = mask;

    __asm__ volatile("trap #4" : "+d"(d0), "+d"(d1) : : "cc", "memory");
    return d0;
}

static volatile byte held;

SINGLE v4 enter(void)
{
    v4 mask = signals(109, -1u);

    lock(&held);
    return mask;
}

SINGLE void leave(v4 mask)
{
    unlock(&held);
    signals(110, mask);
}

EXPORT(v4, fetch_and_add, "__sync_fetch_and_add_4", volatile void *object, v4 value)
{
    v4 old, mask = enter();

    old = AT(4, object);
    AT(4, object) = old + value;
    leave(mask);
    return old;
}

EXPORT(v4, compare, "__sync_val_compare_and_swap_4", volatile void *object, v4 expected, v4 value)
{
    v4 found, mask = enter();

    found = AT(4, object);
    if (found == expected)
        AT(4, object) = value;
    leave(mask);
    return found;
}
