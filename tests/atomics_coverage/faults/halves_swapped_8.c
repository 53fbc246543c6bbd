/* what: Exchange of 8 bytes answers the halves the other way round.
   finds: result
   survives: every access is volatile, and inline assembly keeps its place among them
   witness: qemu */

#include "coverage.h"

GLOBAL(ONE)

EXPORT(v8, exchange, "__atomic_exchange_8", volatile void *object, v8 value, int order)
{
    union halves was;
    v4 high;

    (void)order;
    ONE_enter(object, 8);
    was.whole = AT(8, object);
    AT(8, object) = value;
    ONE_leave(object, 8);
    high = was.half[0];
    was.half[0] = was.half[1];
    was.half[1] = high;
    return was.whole;
}
