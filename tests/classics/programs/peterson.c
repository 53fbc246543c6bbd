/* G. L. Peterson, Myths about the mutual exclusion problem, Information Processing Letters 12(3), 1981.
   Broken: the turn is given away before the flag is up. */
#include "classic.h"

static volatile int wants[2], turn;

static void *run(void *argument)
{
	int me = (int)argument, other = 1 - me;

	for (int round = 0; round < 2; round++) {
		if (BROKEN)
			turn = other;
		wants[me] = 1;
		if (!BROKEN)
			turn = other;
		while (wants[other] && turn == other)
			;
		critical_section(me);
		wants[me] = 0;
	}
	return 0;
}

int main(void)
{
	together(2, run);
	return 0;
}
