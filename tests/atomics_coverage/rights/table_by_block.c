/* what: 64 locks by 16-byte block; objects of up to 8 bytes cover two at most, and take the lower index first.
   needs: overlap
   witness: explore */

#include "coverage.h"

LOCKS(table, 64);
#define INDEX(at) ((at) >> 4 & 63)
#include "lower_index_first.h"
