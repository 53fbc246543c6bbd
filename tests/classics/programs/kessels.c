/* J. L. W. Kessels, Arbitration without common modifiable variables, Acta Informatica 17, 1982: each has a flag and a
   half of the turn that only he writes. Broken: the second copies the half of the first, which it must invert. */
#include "classic.h"

static volatile int wants[2], half[2];

static void *run(void *argument)
{
	int me = (int)argument, other = 1 - me;

	for (int round = 0; round < 2; round++) {
		wants[me] = 1;
		int mine = half[other] ^ (BROKEN ? 0 : me);

		half[me] = mine;
		while (wants[other] && mine == (half[other] ^ me))
			;
		critical_section(me);
		wants[me] = 0;
	}
	return 0;
}

int main(void)
{
	together(2, run);
	return 0;
}
