/* A ring for many, each place with a number of its own: D. Vyukov, Bounded MPMC queue, 1024cores, 2010.
   Broken: without the numbers, a place is taken by the counters alone, and may be read before it is written. */
#include <stdatomic.h>
#include "classic.h"

enum { SIZE = 2 };
static atomic_int put, taken, sequence[SIZE] = {0, 1};
static volatile int item[SIZE];

static int enqueue(int value)
{
	for (int at = put;;) {
		int ahead = BROKEN ? at - taken == SIZE ? -1 : 0 : sequence[at % SIZE] - at;

		if (ahead < 0)
			return 0;
		if (ahead > 0)
			at = put;
		else if (atomic_compare_exchange_weak(&put, &at, at + 1)) {
			item[at % SIZE] = value;
			sequence[at % SIZE] = at + 1;
			return 1;
		}
	}
}

static int dequeue(void)
{
	for (int at = taken;;) {
		int ahead = BROKEN ? put == at ? -1 : 0 : sequence[at % SIZE] - (at + 1);

		if (ahead < 0)
			return 0;
		if (ahead > 0)
			at = taken;
		else if (atomic_compare_exchange_weak(&taken, &at, at + 1)) {
			int value = item[at % SIZE];

			sequence[at % SIZE] = at + SIZE;
			assert(value != 0);
			return value;
		}
	}
}

static void *run(void *argument)
{
	int me = (int)argument;

	if (me < 2)
		assert(enqueue(me + 1));
	else
		dequeue();
	return 0;
}

int main(void)
{
	together(3, run);
	return 0;
}
