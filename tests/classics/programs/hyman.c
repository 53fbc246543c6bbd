/* R. W. Doran, L. K. Thomas, Variants of the software solution to mutual exclusion, Information Processing Letters 10,
   1980. Broken: H. Hyman, Comments on a problem in concurrent programming control, CACM 9(1), 1966, which D. E. Knuth
   showed wrong in the same year. */
#include "classic.h"

static volatile int wants[2], turn;

static void enter(int me, int other)
{
	wants[me] = 1;
#if BROKEN
	while (turn != me) {
		while (wants[other])
			;
		turn = me;
	}
#else
	if (wants[other]) {
		if (turn == other) {
			wants[me] = 0;
			while (turn == other)
				;
			wants[me] = 1;
		}
		while (wants[other])
			;
	}
#endif
}

static void *run(void *argument)
{
	int me = (int)argument, other = 1 - me;

	for (int round = 0; round < 2; round++) {
		enter(me, other);
		critical_section(me);
		wants[me] = 0;
		if (!BROKEN)
			turn = other;
	}
	return 0;
}

int main(void)
{
	together(2, run);
	return 0;
}
