/* A snapshot by reading twice: Y. Afek et al., Atomic snapshots of shared memory, JACM 40(4), 1993.
   Broken: it is read once. */
#include "classic.h"

static volatile int cell[2];

static void *run(void *argument)
{
	if ((int)argument == 0) {
		for (int value = 1; value <= 2; value++) {
			cell[0] = value;
			cell[1] = value;
		}
		return 0;
	}
	int first = cell[0], second = cell[1];

	while (!BROKEN) {
		int again_first = cell[0], again_second = cell[1];

		if (again_first == first && again_second == second)
			break;
		first = again_first;
		second = again_second;
	}
	/* The second never leads, and follows at a distance of one. */
	assert(first == second || first == second + 1);
	return 0;
}

int main(void)
{
	together(2, run);
	return 0;
}
