/* what: __sync_lock_release_4 clears the first byte only.
   finds: result
   survives: every access is volatile, and inline assembly keeps its place among them
   witness: qemu */

#include "coverage.h"

GLOBAL(ONE)

EXPORT(void, release, "__sync_lock_release_4", volatile void *object)
{
    ONE_enter(object, 4);
    AT(1, object) = 0;
    ONE_leave(object, 4);
}

TEST_AND_SET(ONE, 4)
