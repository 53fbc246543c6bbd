/* what: The lock that is given back is that of where the pointer stands after the work: at a block's end, the next
        block's.
   finds: deadlock
   survives: the pointer is counted up by volatile accesses, and hashed again by a function of its own
   witness: explore divergence */

#include "coverage.h"

LOCKS(table, 64);
HASHED(OWN, table, at >> 4 & 63)

EXPORT(void, store, "__atomic_store", size bytes, volatile void *object, const void *input, int order)
{
    volatile byte *to = object;
    const volatile byte *from = input;

    (void)order;
    OWN_enter(to, bytes);
    while (bytes--)
        *to++ = *from++;
    OWN_leave(to, bytes);
}

GENERIC_LOAD(OWN)

#ifdef WITNESS
static const byte ones[4] = {1, 1, 1, 1};
THREAD(0) { store(4, arena + 12, ones, 5); store(4, arena + 12, ones, 5); }
#endif
