/* what: The generic exchange uses a5, and does not save it.
   finds: register
   survives: inline assembly is kept as it stands, and its clobbers do not say what it does
   witness: qemu */

#include "coverage.h"

GLOBAL(ONE)

GENERIC_LOAD(ONE)
EXPORT(void, exchange, "__atomic_exchange", size bytes, volatile void *object, const void *input, void *output,
       int order)
{
    volatile byte *there = object;
    size place;

    (void)order;
    ONE_enter(object, bytes);
    __asm__ volatile("move.l %0,%%a5" : : "a"(there) : "cc");
    for (place = 0; place < bytes; place++) {
        byte old = there[place];
        there[place] = ((const volatile byte *)input)[place];
        ((volatile byte *)output)[place] = old;
    }
    ONE_leave(object, bytes);
}
