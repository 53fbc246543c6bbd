/* A ring for one producer and one consumer: L. Lamport, Proving the correctness of multiprocess programs, IEEE TSE 3(2),
   1977. Broken: the producer says that an item is there before it is. */
#include "classic.h"

enum { SIZE = 2, ITEMS = 4 };
static volatile int item[SIZE], put, taken;

static void *run(void *argument)
{
	if ((int)argument == 0) {
		for (int i = 1; i <= ITEMS; i++) {
			int at = put;

			while (at - taken == SIZE)
				;
			if (BROKEN)
				put = at + 1;
			item[at % SIZE] = i;
			if (!BROKEN)
				put = at + 1;
		}
	} else {
		for (int i = 1; i <= ITEMS; i++) {
			int at = taken;

			while (put == at)
				;
			assert(item[at % SIZE] == i);
			taken = at + 1;
		}
	}
	return 0;
}

int main(void)
{
	together(2, run);
	return 0;
}
