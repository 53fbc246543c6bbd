/* what: 64 locks by 16-byte block times 2654435761; the lower index first.
   needs: overlap
   witness: explore */

#include "coverage.h"

LOCKS(table, 64);
#define INDEX(at) (((at) >> 4) * 2654435761u >> 26)
#include "lower_index_first.h"
