/* A barrier by a static tree: Mellor-Crummey and Scott, ACM TOCS 9(1), 1991; a root with two leaves, twice.
   Broken: the root waits for one of its children only. */
#include <stdatomic.h>
#include "classic.h"

enum { N = 3, ROUNDS = 2 };
static atomic_int arrived[N], released, done[N];

static void barrier(int me, int round)
{
	if (me != 0) {
		arrived[me] = round;
		while (released != round)
			;
		return;
	}
	for (int child = 1; child < (BROKEN ? N - 1 : N); child++)
		while (arrived[child] != round)
			;
	released = round;
}

static void *run(void *argument)
{
	int me = (int)argument;

	for (int round = 1; round <= ROUNDS; round++) {
		done[me] = round;
		barrier(me, round);
		for (int other = 0; other < N; other++)
			assert(done[other] >= round);
	}
	return 0;
}

int main(void)
{
	together(N, run);
	return 0;
}
