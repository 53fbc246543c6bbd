/* what: The locks of the words of an object's first and last byte: 8 bytes at 2 modulo 4 cover a word in between.
   finds: history final
   needs: overlap
   survives: the word in between has an index that is neither of the two
   witness: explore final */

#include "coverage.h"

LOCKS(table, 64);
BOTH_ENDS(ENDS, table, at >> 2 & 63)

SYNC_FETCH(ENDS, add, 8)
SYNC_FETCH(ENDS, add, 4)
LOAD(ENDS, 8)

#ifdef WITNESS
/* The second object is bytes 2 to 5 of the first. */
THREAD(0) { sync_fetch_and_add_8(arena + 2, 0x10000); }
THREAD(1) { sync_fetch_and_add_4(arena + 4, 2); }
CHECK { return AT(4, arena + 4) == 3 ? 0 : 1; }
#endif
