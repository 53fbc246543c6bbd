/* what: Signals are blocked when the lock has been taken: a handler that comes in between waits for its own thread.
   finds: deadlock
   needs: signals
   survives: every access is volatile, and inline assembly keeps its place among them
   witness: none no other model here has signal masks: the two steps' order is in the code */

#include "coverage.h"

/* sigblock and sigsetmask by trap #4: the mask before. */
SHORT v4 signals(v4 number, v4 mask)
{
    register v4 d0 __asm__("d0") = number;
    register v4 d1 __asm__("d1") = mask;

    __asm__ volatile("trap #4" : "+d"(d0), "+d"(d1) : : "cc", "memory");
    return d0;
}
#define BLOCK(mask) signals(109, mask)
#define SETMASK(mask) signals(110, mask)

GLOBAL(ONE)

SINGLE v4 enter(void)
{
    ONE_enter(0, 0);
    return BLOCK(-1u);
}

SINGLE void leave(v4 mask)
{
    ONE_leave(0, 0);
    SETMASK(mask);
}

EXPORT(v4, fetch_and_add, "__sync_fetch_and_add_4", volatile void *object, v4 value)
{
    v4 old, mask = enter();

    old = AT(4, object);
    AT(4, object) = old + value;
    leave(mask);
    return old;
}
