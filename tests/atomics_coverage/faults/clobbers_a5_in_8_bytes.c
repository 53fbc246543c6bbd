/* what: Only the routine of 8 bytes uses a5, and does not save it.
   finds: register
   survives: inline assembly is kept as it stands, and its clobbers do not say what it does
   witness: qemu */

#include "coverage.h"

GLOBAL(ONE)

SYNC_FETCH(ONE, add, 4)
EXPORT(v8, fetch_and_add, "__sync_fetch_and_add_8", volatile void *object, v8 value)
{
    v8 old;

    ONE_enter(object, 8);
    __asm__ volatile("move.l %0,%%a5" : : "a"(object) : "cc");
    old = AT(8, object);
    AT(8, object) = old + value;
    ONE_leave(object, 8);
    return old;
}
