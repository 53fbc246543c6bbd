/* what: Inline assembly changes d7 and does not say so.
   finds: register
   survives: inline assembly is kept as it stands, and its clobbers do not say what it does
   witness: qemu */

#include "coverage.h"

GLOBAL(ONE)

EXPORT(v4, fetch_and_add, "__sync_fetch_and_add_4", volatile void *object, v4 value)
{
    v4 old;

    ONE_enter(object, 4);
    old = AT(4, object);
    __asm__ volatile("move.l %0,%%d7" : : "d"(old) : "cc");
    AT(4, object) = old + value;
    ONE_leave(object, 4);
    return old;
}
