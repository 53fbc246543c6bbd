/* A lock on every way out: D. Engler, K. Ashcraft, RacerX, SOSP 2003. Broken: the way out of an error keeps the second of
   two locks, and who takes and gives back the first for it does so for ever. */
#include <stdatomic.h>
#include "classic.h"

static atomic_int lock[2];

static void take_both(void)
{
	for (;;) {
		while (atomic_exchange(&lock[0], 1))
			;
		if (!atomic_exchange(&lock[1], 1))
			return;
		lock[0] = 0;
	}
}

static void work(int fails)
{
	take_both();
	if (fails) {
		lock[0] = 0;
		if (!BROKEN)
			lock[1] = 0;
		return;
	}
	critical_section(fails);
	lock[1] = 0;
	lock[0] = 0;
}

static void *run(void *argument)
{
	work((int)argument == 0);
	return 0;
}

int main(void)
{
	together(2, run);
	return 0;
}
