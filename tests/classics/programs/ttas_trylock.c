/* Test, then test and set: L. Rudolph, Z. Segall, ISCA 1984; with a try that gives up.
   Broken: who was refused unlocks all the same. */
#include <stdatomic.h>
#include "classic.h"

static atomic_int lock;

static int try_lock(void)
{
	return lock == 0 && atomic_exchange(&lock, 1) == 0;
}

static void *run(void *argument)
{
	int me = (int)argument;

	if (me == 0) {
		if (try_lock())
			critical_section(me);
		else if (!BROKEN)
			return 0;
	} else {
		while (!try_lock())
			;
		critical_section(me);
	}
	lock = 0;
	return 0;
}

int main(void)
{
	together(3, run);
	return 0;
}
