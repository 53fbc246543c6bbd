/* what: A plain spinlock: a handler that needs it while its own thread holds it waits for ever.
   finds: deadlock
   needs: signals
   survives: every access is volatile, and inline assembly keeps its place among them
   witness: explore deadlock */

#include "coverage.h"

GLOBAL(ONE)

SYNC_FETCH(ONE, add, 4)

#ifdef WITNESS
static v4 n;
THREAD(0) { sync_fetch_and_add_4(&n, 1); }
void nextrust_signal(void) { sync_fetch_and_add_4(&n, 2); }
CHECK { return n == 1 || n == 3 ? 0 : 1; }
#endif
