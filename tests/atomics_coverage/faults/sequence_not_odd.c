/* what: A sequence count is counted up once, when the store is done: readers in the middle of it find nothing amiss.
   finds: history
   survives: every access is volatile, and inline assembly keeps its place among them
   witness: explore final */

#include "coverage.h"

GLOBAL(ONE)
static volatile v4 sequence;

EXPORT(void, store, "__atomic_store_8", volatile v4 *object, v8 value, int order)
{
    union halves given;

    (void)order;
    given.whole = value;
    ONE_enter(object, 8);
    object[0] = given.half[0];
    object[1] = given.half[1];
    sequence = sequence + 1;
    ONE_leave(object, 8);
}

EXPORT(v8, load, "__atomic_load_8", volatile v4 *object, int order)
{
    union halves found;
    v4 before;

    (void)order;
    do {
        before = sequence;
        found.half[0] = object[0];
        found.half[1] = object[1];
    } while (sequence != before);
    return found.whole;
}

#ifdef WITNESS
static v4 n[2];
static v8 seen;
THREAD(0) { store(n, 0x100000001ull, 5); }
THREAD(1) { seen = load(n, 5); }
CHECK { return seen == 0 || seen == 0x100000001ull ? 0 : 1; }
#endif
