/* B. K. Szymanski, A simple solution to Lamport's concurrent programming problem with linear wait, ICS 1988; for three.
   Broken: a thread that is through the door does not wait for those of lower number. */
#include "classic.h"

enum { N = 3 };
static volatile int flag[N];

static int any(int low, int high)
{
	for (int other = 0; other < N; other++) {
		int his = flag[other];

		if (his >= low && his <= high)
			return 1;
	}
	return 0;
}

static void *run(void *argument)
{
	int me = (int)argument;

	flag[me] = 1;
	while (any(3, 4))
		;
	flag[me] = 3;
	if (any(1, 1)) {
		flag[me] = 2;
		while (!any(4, 4))
			;
	}
	flag[me] = 4;
	for (int other = 0; !BROKEN && other < me; other++)
		while (flag[other] >= 2)
			;
	critical_section(me);
	for (int other = me + 1; other < N; other++)
		for (;;) {
			int his = flag[other];

			if (his < 2 || his > 3)
				break;
		}
	flag[me] = 0;
	return 0;
}

int main(void)
{
	together(N, run);
	return 0;
}
