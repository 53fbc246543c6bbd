/* what: Signals are blocked by trap #4 while the lock is held; afterwards none is blocked, whatever was before.
   finds: register
   survives: every access is volatile, and inline assembly keeps its place among them
   witness: none no other model here has signal masks: that what the first trap answers is dropped is in the code */

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

EXPORT(v4, fetch_and_add, "__sync_fetch_and_add_4", volatile void *object, v4 value)
{
    v4 old;

    BLOCK(-1u);
    ONE_enter(object, 4);
    old = AT(4, object);
    AT(4, object) = old + value;
    ONE_leave(object, 4);
    SETMASK(0);
    return old;
}
