/* The splitter: L. Lamport, ACM TOCS 5(1), 1987; M. Moir, J. H. Anderson, Wait-free algorithms for fast, long-lived
   renaming, 1995: at most one stops in it. Broken: the door is closed after the second look at who came last. */
#include "classic.h"

static volatile int last, closed, stopped;

static int stops(int me)
{
	last = me;
	if (closed)
		return 0;
	if (BROKEN) {
		int mine = last == me;

		closed = 1;
		return mine;
	}
	closed = 1;
	return last == me;
}

static void *run(void *argument)
{
	int me = (int)argument + 1;

	if (stops(me)) {
		assert(stopped == 0);
		stopped = me;
	}
	return 0;
}

int main(void)
{
	together(3, run);
	return 0;
}
