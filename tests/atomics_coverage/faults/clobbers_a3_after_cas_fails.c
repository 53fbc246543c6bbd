/* what: The loop around cas changes a3 where another has come between, and nowhere else.
   finds: register
   survives: inline assembly is kept as it stands, and its clobbers do not say what it does
   witness: explore final */

#include "coverage.h"

EXPORT(v4, fetch_and_or, "__atomic_fetch_or_4", volatile void *object, v4 value, int order)
{
    v4 old, found;

    (void)order;
    for (;;) {
        old = AT(4, object);
        found = cas_4(object, old, old | value);
        if (found == old)
            return old;
        __asm__ volatile("move.l %0,%%a3" : : "d"(found) : "cc");
    }
}

#ifdef WITNESS
static v4 n, kept[2];
#define CALL(thread, value)                                                                                            \
    register v4 a3 __asm__("a3") = 77;                                                                                 \
    __asm__ volatile("" : "+a"(a3));                                                                                   \
    fetch_and_or(&n, value, 5);                                                                                        \
    __asm__ volatile("" : "+a"(a3));                                                                                   \
    kept[thread] = a3
THREAD(0) { CALL(0, 1); }
THREAD(1) { CALL(1, 2); }
CHECK { return kept[0] == 77 && kept[1] == 77 ? 0 : 1; }
#endif
