/* Peterson's lock for n threads, n - 1 levels of which each keeps one back: G. L. Peterson, Information Processing
   Letters 12(3), 1981; for three. Broken: one level too few. */
#include "classic.h"

enum { N = 3, LEVELS = BROKEN ? N - 2 : N - 1 };
static volatile int level[N], last[N];

static int others_here(int me, int at)
{
	for (int other = 0; other < N; other++)
		if (other != me && level[other] >= at)
			return 1;
	return 0;
}

static void *run(void *argument)
{
	int me = (int)argument;

	for (int at = 1; at <= LEVELS; at++) {
		level[me] = at;
		last[at] = me;
		while (last[at] == me && others_here(me, at))
			;
	}
	critical_section(me);
	level[me] = 0;
	return 0;
}

int main(void)
{
	together(N, run);
	return 0;
}
