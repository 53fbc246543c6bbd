/* what: nand as GNU C before 4.4 had it: ~old & value.
   finds: result
   survives: every access is volatile, and inline assembly keeps its place among them
   witness: qemu */

#include "coverage.h"

GLOBAL(ONE)

EXPORT(v1, fetch_and_nand, "__sync_fetch_and_nand_1", volatile void *object, v1 value)
{
    UPDATE(ONE, 1, ~old & value);
    return old;
}
