/* L. Lamport, A fast mutual exclusion algorithm, ACM TOCS 5(1), 1987, algorithm 2; for two.
   Broken: who has lost the first race does not wait until all others have lowered their flags. */
#include "classic.h"

enum { N = 2 };
static volatile int busy[N], x, y;

static void enter(int me)
{
	for (;;) {
		busy[me] = 1;
		x = me + 1;
		if (y != 0) {
			busy[me] = 0;
			while (y != 0)
				;
			continue;
		}
		y = me + 1;
		if (x == me + 1)
			return;
		busy[me] = 0;
		for (int other = 0; !BROKEN && other < N; other++)
			while (busy[other])
				;
		if (y == me + 1)
			return;
		while (y != 0)
			;
	}
}

static void *run(void *argument)
{
	int me = (int)argument;

	for (int round = 0; round < 2; round++) {
		enter(me);
		critical_section(me);
		y = 0;
		busy[me] = 0;
	}
	return 0;
}

int main(void)
{
	together(N, run);
	return 0;
}
