/* The exchange of an elimination stack: D. Hendler, N. Shavit, L. Yerushalmi, A scalable lock-free stack algorithm, SPAA
   2004: a push leaves its value in a slot, and a pop takes it there, or the push takes it back.
   Broken: a pop looks, and then empties the slot by a store, so that push and pop may both have the value. */
#include <stdatomic.h>
#include "classic.h"

enum { EMPTY = 0, TAKEN = -1 };
static atomic_int slot;
static atomic_int owners;

static int pop(void)
{
	int value = slot;

	if (value <= 0)
		return 0;
#if BROKEN
	slot = TAKEN;
	return value;
#else
	return atomic_compare_exchange_strong(&slot, &value, TAKEN) ? value : 0;
#endif
}

static int withdrawn(int value)
{
	if (atomic_compare_exchange_strong(&slot, &value, EMPTY))
		return 1;
	slot = EMPTY;
	return 0;
}

static void *run(void *argument)
{
	int me = (int)argument;

	if (me == 0) {
		slot = 7;
		if (withdrawn(7))
			owners++;
	} else if (pop()) {
		owners++;
	}
	return 0;
}

int main(void)
{
	together(3, run);
	assert(owners == 1);
	return 0;
}
