/* Two who let each other go first, Dijkstra's fourth attempt in EWD 123, 1965: they may do so for ever.
   Broken: both give way, and at once want again; right: the second alone does, until the first has been. */
#include "classic.h"

static volatile int wants[2];

static void *run(void *argument)
{
	int me = (int)argument, other = 1 - me;

	wants[me] = 1;
	while (wants[other])
		if (me == 1 || BROKEN) {
			wants[me] = 0;
			while (wants[other] && !BROKEN)
				;
			wants[me] = 1;
		}
	critical_section(me);
	wants[me] = 0;
	return 0;
}

int main(void)
{
	together(2, run);
	return 0;
}
