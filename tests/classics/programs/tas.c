/* A lock by test and set: IBM System/360; M. Herlihy, N. Shavit, The art of multiprocessor programming, 2008, 7.2.
   Broken: the test and the set are two accesses. */
#include <stdatomic.h>
#include "classic.h"

static atomic_int lock;

static int taken(void)
{
#if BROKEN
	int was = lock;

	lock = 1;
	return was;
#else
	return atomic_exchange(&lock, 1);
#endif
}

static void *run(void *argument)
{
	for (int round = 0; round < 2; round++) {
		while (taken())
			;
		critical_section((int)argument);
		lock = 0;
	}
	return 0;
}

int main(void)
{
	together(3, run);
	return 0;
}
