/* M. A. Eisenberg, M. R. McGuire, Further comments on Dijkstra's concurrent programming control problem, CACM 15(11),
   1972; for three. Broken: whether another one is active too is not looked at. */
#include "classic.h"

enum { N = 3, IDLE = 0, WAITING = 1, ACTIVE = 2 };
static volatile int flags[N], turn;

static int alone(int me)
{
	for (int other = 0; other < N; other++)
		if (other != me && flags[other] == ACTIVE)
			return 0;
	return 1;
}

static void *run(void *argument)
{
	int me = (int)argument;

	for (;;) {
		flags[me] = WAITING;
		for (int at = turn; at != me;)
			at = flags[at] != IDLE ? turn : (at + 1) % N;
		flags[me] = ACTIVE;
		if (BROKEN)
			break;
		if (alone(me)) {
			int owner = turn;

			if (owner == me || flags[owner] == IDLE)
				break;
		}
	}
	turn = me;
	critical_section(me);
	int next = (turn + 1) % N;
	while (flags[next] == IDLE)
		next = (next + 1) % N;
	turn = next;
	flags[me] = IDLE;
	return 0;
}

int main(void)
{
	together(N, run);
	return 0;
}
