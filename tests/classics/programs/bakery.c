/* L. Lamport, A new solution of Dijkstra's concurrent programming problem, CACM 17(8), 1974.
   Broken: nobody says that he is choosing his number. */
#include "classic.h"

#ifndef N
#define N 2
#endif
static volatile int choosing[N], number[N];

static void *run(void *argument)
{
	int me = (int)argument, most = 0;

	if (!BROKEN)
		choosing[me] = 1;
	for (int other = 0; other < N; other++) {
		int his = number[other];

		if (his > most)
			most = his;
	}
	number[me] = most + 1;
	if (!BROKEN)
		choosing[me] = 0;
	for (int other = 0; other < N; other++) {
		while (choosing[other])
			;
		for (;;) {
			int his = number[other];

			if (his == 0 || his > most + 1 || (his == most + 1 && other >= me))
				break;
		}
	}
	critical_section(me);
	number[me] = 0;
	return 0;
}

int main(void)
{
	together(N, run);
	return 0;
}
