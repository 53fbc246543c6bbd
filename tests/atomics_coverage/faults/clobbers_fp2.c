/* what: 8 bytes are read at once into fp2, which a call must preserve.
   finds: register
   survives: inline assembly is kept as it stands, and its clobbers do not say what it does
   witness: explore final */

#include "coverage.h"

GLOBAL(ONE)

EXPORT(void, store, "__atomic_store_4", volatile void *object, v4 value, int order)
{
    (void)order;
    ONE_enter(object, 4);
    __asm__ volatile("fmove.s %0,%%fp2" : : "d"(value) : "cc");
    AT(4, object) = value;
    ONE_leave(object, 4);
}

SYNC_FETCH(ONE, add, 4)

#ifdef WITNESS
static v4 n;
static float kept;
THREAD(0)
{
    register float fp2 __asm__("fp2") = 7.0f;
    __asm__ volatile("" : "+f"(fp2));
    store(&n, 1, 5);
    __asm__ volatile("" : "+f"(fp2));
    kept = fp2;
}
CHECK { return kept == 7.0f ? 0 : 1; }
#endif
