/* what: The generic store of 4 bytes is one plain move, where the other routines take a lock.
   finds: history final
   survives: every access is volatile, and inline assembly keeps its place among them
   witness: explore final */

#include "coverage.h"

GLOBAL(ONE)

EXPORT(void, store, "__atomic_store", size bytes, volatile void *object, const void *input, int order)
{
    (void)order;
    if (bytes == 4) {
        AT(4, object) = *(const volatile v4 *)input;
        return;
    }
    ONE_enter(object, bytes);
    copy(object, input, bytes);
    ONE_leave(object, bytes);
}

SYNC_FETCH(ONE, add, 4)
SYNC_FETCH(ONE, add, 2)
GENERIC_LOAD(ONE)

#ifdef WITNESS
static v4 n = 1, ten = 10;
THREAD(0) { sync_fetch_and_add_4(&n, 1); }
THREAD(1) { store(4, &n, &ten, 5); }
CHECK { return n == 10 || n == 11 ? 0 : 1; }
#endif
