/* A lock whose readers come again where a writer was there: C. Lameter, Effective synchronization on Linux/NUMA systems,
   2005; H. Boehm, Can seqlocks get along with programming language memory models?, MSPC 2012.
   Broken: a reader does not look a second time. */
#include <stdatomic.h>
#include "classic.h"

static atomic_int sequence;
static volatile int data[2];

static void *run(void *argument)
{
	if ((int)argument == 0) {
		for (int value = 1; value <= 2; value++) {
			sequence++;
			data[0] = value;
			data[1] = value;
			sequence++;
		}
		return 0;
	}
	int before, first, second;

	do {
		while ((before = sequence) & 1)
			;
		first = data[0];
		second = data[1];
	} while (!BROKEN && sequence != before);
	assert(first == second);
	return 0;
}

int main(void)
{
	together(3, run);
	return 0;
}
