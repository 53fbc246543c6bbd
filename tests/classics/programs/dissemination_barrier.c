/* The dissemination barrier: D. Hensgen, R. Finkel, U. Manber, Int. J. of Parallel Programming 17(1), 1988; three
   threads, two rounds of signals. Broken: only the first round is made, and each hears of one other. */
#include <stdatomic.h>
#include "classic.h"

enum { N = 3, ROUNDS = BROKEN ? 1 : 2 };
static atomic_int flag[2][N], done[N];

static void *run(void *argument)
{
	int me = (int)argument;

	done[me] = 1;
	for (int round = 0; round < ROUNDS; round++) {
		flag[round][(me + (1 << round)) % N] = 1;
		while (!flag[round][me])
			;
	}
	for (int other = 0; other < N; other++)
		assert(done[other]);
	return 0;
}

int main(void)
{
	together(N, run);
	return 0;
}
