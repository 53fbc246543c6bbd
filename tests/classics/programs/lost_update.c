/* A counter that two raise: P. Brinch Hansen, Operating system principles, 1973, 3.1.
   Broken: by a load and a store. */
#include <stdatomic.h>
#include "classic.h"

static atomic_int counter;

static void *run(void *argument)
{
	(void)argument;
	for (int round = 0; round < 3; round++) {
#if BROKEN
		int seen = counter;

		counter = seen + 1;
#else
		atomic_fetch_add(&counter, 1);
#endif
	}
	return 0;
}

int main(void)
{
	together(2, run);
	assert(counter == 6);
	return 0;
}
