/* what: 61 locks by 16-byte block; the lower index first.
   needs: overlap
   witness: explore */

#include "coverage.h"

LOCKS(table, 61);
#define INDEX(at) (((at) >> 4) % 61)
#include "lower_index_first.h"
