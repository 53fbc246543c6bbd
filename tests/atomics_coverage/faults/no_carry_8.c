/* what: Addition of 8 bytes loses the carry between its halves.
   finds: result
   survives: every access is volatile, and inline assembly keeps its place among them
   witness: qemu */

#include "coverage.h"

GLOBAL(ONE)

EXPORT(v8, fetch_and_add, "__sync_fetch_and_add_8", volatile v4 *object, v8 value)
{
    union halves old, given;

    given.whole = value;
    ONE_enter(object, 8);
    old.half[0] = object[0];
    old.half[1] = object[1];
    object[0] = old.half[0] + given.half[0];
    object[1] = old.half[1] + given.half[1];
    ONE_leave(object, 8);
    return old.whole;
}
