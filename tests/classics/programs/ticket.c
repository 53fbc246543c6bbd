/* A ticket lock: D. P. Reed, R. K. Kanodia, Synchronization with eventcounts and sequencers, CACM 22(2), 1979.
   Broken: a ticket is drawn by a load and a store. */
#include <stdatomic.h>
#include "classic.h"

static atomic_int next, serving;

static int drawn(void)
{
#if BROKEN
	int mine = next;

	next = mine + 1;
	return mine;
#else
	return atomic_fetch_add(&next, 1);
#endif
}

static void *run(void *argument)
{
	for (int round = 0; round < 2; round++) {
		int mine = drawn();

		while (serving != mine)
			;
		critical_section((int)argument);
		serving = mine + 1;
	}
	return 0;
}

int main(void)
{
	together(2, run);
	return 0;
}
