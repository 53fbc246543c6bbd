/* E. W. Dijkstra, Solution of a problem in concurrent programming control, CACM 8(9), 1965; for three.
   Broken: the second look, whether anybody else is as far, is left out. */
#include "classic.h"

enum { N = 3 };
static volatile int interested[N], passed[N], turn;

static int others_passed(int me)
{
	for (int other = 0; other < N; other++)
		if (other != me && passed[other])
			return 1;
	return 0;
}

static void *run(void *argument)
{
	int me = (int)argument;

	interested[me] = 1;
	do {
		passed[me] = 0;
		while (turn != me)
			if (!interested[turn])
				turn = me;
		passed[me] = 1;
	} while (!BROKEN && others_passed(me));
	critical_section(me);
	passed[me] = 0;
	interested[me] = 0;
	return 0;
}

int main(void)
{
	together(N, run);
	return 0;
}
