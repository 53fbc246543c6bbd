/* A barrier by a counter and a sense: D. Hensgen, R. Finkel, U. Manber, Two algorithms for barrier synchronization, 1988;
   Mellor-Crummey and Scott, 1991. Broken: without a sense, threads wait until the counter is full, and the last empties
   it before all have seen that. */
#include <stdatomic.h>
#include "classic.h"

enum { N = 2, ROUNDS = 2 };
static atomic_int arrived, sense;
static volatile int done[N];

static void barrier(int my_sense)
{
#if BROKEN
	if (atomic_fetch_add(&arrived, 1) == N - 1)
		arrived = 0;
	else
		while (arrived != 0)
			;
	(void)my_sense;
#else
	if (atomic_fetch_add(&arrived, 1) == N - 1) {
		arrived = 0;
		sense = my_sense;
	} else {
		while (sense != my_sense)
			;
	}
#endif
}

static void *run(void *argument)
{
	int me = (int)argument;

	for (int round = 1; round <= ROUNDS; round++) {
		done[me] = round;
		barrier(round % 2);
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
