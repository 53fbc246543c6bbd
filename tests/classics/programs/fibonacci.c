/* Two who add each other's number to their own: the example "fib_bench" of L. Cordeiro, B. Fischer, ICSE 2011: after n
   rounds neither is more than the Fibonacci number of 2n + 2, which is reached.
   Broken: it is claimed that it is not. */
#include "classic.h"

static volatile int number[2] = {1, 1};

static void *run(void *argument)
{
	int me = (int)argument;

	for (int round = 0; round < 3; round++) {
		int his = number[1 - me];

		number[me] = number[me] + his;
	}
	return 0;
}

int main(void)
{
	together(2, run);
	assert(number[0] <= 21 - BROKEN && number[1] <= 21 - BROKEN);
	return 0;
}
