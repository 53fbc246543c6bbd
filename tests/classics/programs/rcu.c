/* Read, copy, update: P. E. McKenney, J. D. Slingwine, Read-copy update, PDCS 1998; readers count themselves.
   Broken: the old copy is given up at once, without a grace period. */
#include <stdatomic.h>
#include "classic.h"

struct pair { volatile int first, second; };
static struct pair pairs[2] = {{1, 1}, {0, 0}};
static _Atomic(struct pair *) current = &pairs[0];
static atomic_int reading[2];

static void *run(void *argument)
{
	int me = (int)argument;

	if (me < 2) {
		reading[me] = 1;
		struct pair *seen = current;
		int first = seen->first;

		assert(first != 0 && seen->second == first);
		reading[me] = 0;
		return 0;
	}
	pairs[1].first = 2;
	pairs[1].second = 2;
	current = &pairs[1];
	for (int reader = 0; reader < 2 && !BROKEN; reader++)
		while (reading[reader])
			;
	pairs[0].first = 0;
	pairs[0].second = 0;
	return 0;
}

int main(void)
{
	together(3, run);
	return 0;
}
