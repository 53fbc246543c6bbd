/* Two locks: E. G. Coffman, M. J. Elphick, A. Shoshani, System deadlocks, Computing Surveys 3(2), 1971: taken in one
   order. Broken: each takes his first and gives it back where the other's is taken, which may go on for ever. */
#include <stdatomic.h>
#include "classic.h"

static atomic_int lock[2];

static void *run(void *argument)
{
	int me = (int)argument, first = BROKEN ? me : 0, second = 1 - first;

	for (;;) {
		while (atomic_exchange(&lock[first], 1))
			;
		if (atomic_exchange(&lock[second], 1) == 0)
			break;
		lock[first] = 0;
	}
	critical_section(me);
	lock[second] = 0;
	lock[first] = 0;
	return 0;
}

int main(void)
{
	together(2, run);
	return 0;
}
