/* T. J. Dekker's algorithm for two, in E. W. Dijkstra, Cooperating sequential processes, 1965 (EWD 123).
   Broken: who gives way waits for his turn and leaves his flag up. */
#include "classic.h"

static volatile int wants[2], turn;

static void *run(void *argument)
{
	int me = (int)argument, other = 1 - me;

	for (int round = 0; round < 2; round++) {
		wants[me] = 1;
		while (wants[other]) {
			if (turn == me)
				continue;
			if (!BROKEN)
				wants[me] = 0;
			while (turn != me)
				;
			wants[me] = 1;
		}
		critical_section(me);
		turn = other;
		wants[me] = 0;
	}
	return 0;
}

int main(void)
{
	together(2, run);
	return 0;
}
