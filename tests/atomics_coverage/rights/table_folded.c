/* what: 64 locks by 16-byte block, the upper bits folded in by exclusive or; the lower index first.
   needs: overlap
   witness: explore */

#include "coverage.h"

LOCKS(table, 64);
#define INDEX(at) (((at) >> 4 ^ (at) >> 10 ^ (at) >> 16) & 63)
#include "lower_index_first.h"
