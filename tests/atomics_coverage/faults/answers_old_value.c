/* what: __sync_sub_and_fetch_2 answers what the object held before.
   finds: result
   survives: every access is volatile, and inline assembly keeps its place among them
   witness: qemu */

#include "coverage.h"

GLOBAL(ONE)

EXPORT(v2, sub_and_fetch, "__sync_sub_and_fetch_2", volatile void *object, v2 value)
{
    UPDATE(ONE, 2, old - value);
    return old;
}
