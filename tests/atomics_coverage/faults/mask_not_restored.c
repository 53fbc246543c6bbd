/* what: Signals are blocked by trap #4 while the lock is held, and stay blocked where a comparison fails.
   finds: register
   survives: every access is volatile, and inline assembly keeps its place among them
   witness: none no other model here has signal masks: that the trap is left out on one path is in the code */

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

EXPORT(v4, compare, "__sync_val_compare_and_swap_4", volatile void *object, v4 expected, v4 value)
{
    v4 found, mask = BLOCK(-1u);

    ONE_enter(object, 4);
    found = AT(4, object);
    if (found == expected)
        AT(4, object) = value;
    ONE_leave(object, 4);
    if (found == expected)
        SETMASK(mask);
    return found;
}
