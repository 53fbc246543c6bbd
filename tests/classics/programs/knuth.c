/* D. E. Knuth, Additional comments on a problem in concurrent programming control, CACM 9(5), 1966; for three.
   Broken: a thread goes in without a second look at the others. */
#include "classic.h"

enum { N = 3, IDLE = 0, WAITS = 1, ENTERS = 2 };
static volatile int control[N], turn;

static int others_enter(int me)
{
	for (int other = N - 1; other >= 0; other--)
		if (other != me && control[other] == ENTERS)
			return 1;
	return 0;
}

static int first_waits(int me)
{
	for (int at = turn; at != me; at = (at + N - 1) % N)
		if (control[at] != IDLE)
			return 1;
	return 0;
}

static void *run(void *argument)
{
	int me = (int)argument;

	do {
		control[me] = WAITS;
		while (first_waits(me))
			;
		control[me] = ENTERS;
	} while (!BROKEN && others_enter(me));
	turn = me;
	critical_section(me);
	turn = (me + N - 1) % N;
	control[me] = IDLE;
	return 0;
}

int main(void)
{
	together(N, run);
	return 0;
}
