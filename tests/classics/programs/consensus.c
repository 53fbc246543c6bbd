/* M. Herlihy, Wait-free synchronization, ACM TOPLAS 13(1), 1991: compare and swap lets any number agree.
   Broken: reads and writes do not. */
#include <stdatomic.h>
#include "classic.h"

enum { N = 3 };
static atomic_int decided, answer[N];

static int agreed(int mine)
{
#if BROKEN
	if (decided == 0)
		decided = mine;
#else
	int none = 0;

	atomic_compare_exchange_strong(&decided, &none, mine);
#endif
	return decided;
}

static void *run(void *argument)
{
	int me = (int)argument;

	answer[me] = agreed(me + 1);
	return 0;
}

int main(void)
{
	together(N, run);
	assert(answer[0] != 0 && answer[0] == answer[1] && answer[1] == answer[2]);
	return 0;
}
