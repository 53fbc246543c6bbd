/* what: 8 locks by 1024 bytes; the lower index first.
   needs: overlap
   witness: explore */

#include "coverage.h"

LOCKS(table, 8);
#define INDEX(at) ((at) >> 10 & 7)
#include "lower_index_first.h"
