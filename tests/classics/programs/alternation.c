/* Strict alternation, Dijkstra's first attempt in EWD 123, 1965: right as long as both come equally often.
   Broken: one comes once more, and waits for ever for a turn that the other one does not give. */
#include "classic.h"

static volatile int turn;

static void *run(void *argument)
{
	int me = (int)argument, rounds = 2 + (BROKEN && me == 1);

	for (int round = 0; round < rounds; round++) {
		while (turn != me)
			;
		critical_section(me);
		turn = 1 - me;
	}
	return 0;
}

int main(void)
{
	together(2, run);
	return 0;
}
