/* what: Whoever has to wait counts in d4, and does not save it: a call that finds the lock free does not show it.
   finds: register
   survives: inline assembly is kept as it stands, and its clobbers do not say what it does
   witness: explore final */

#include "coverage.h"

static volatile byte held;

SINGLE void ONE_enter(volatile const void *object, size bytes)
{
    (void)object, (void)bytes;
    while (!try_lock(&held))
        __asm__ volatile("moveq #1,%%d4" : : : "cc");
}

SHORT void ONE_leave(volatile const void *object, size bytes)
{
    (void)object, (void)bytes;
    unlock(&held);
}

SYNC_FETCH(ONE, add, 4)
LOAD(ONE, 4)

#ifdef WITNESS
static v4 n, kept[2];
#define CALL(thread)                                                                                                   \
    register v4 d4 __asm__("d4") = 77;                                                                                 \
    __asm__ volatile("" : "+d"(d4));                                                                                   \
    sync_fetch_and_add_4(&n, 1);                                                                                       \
    __asm__ volatile("" : "+d"(d4));                                                                                   \
    kept[thread] = d4
THREAD(0) { CALL(0); }
THREAD(1) { CALL(1); }
CHECK { return kept[0] == 77 && kept[1] == 77 ? 0 : 1; }
#endif
