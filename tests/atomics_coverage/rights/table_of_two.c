/* what: Two locks by 16-byte block: an object across blocks takes both, 0 first.
   needs: overlap
   witness: explore */

#include "coverage.h"

LOCKS(table, 2);
#define INDEX(at) ((at) >> 4 & 1)
#include "lower_index_first.h"
