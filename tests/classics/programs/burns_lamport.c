/* One bit for each thread: J. E. Burns, Symmetry in systems of asynchronous processes, FOCS 1981; L. Lamport, The mutual
   exclusion problem II, JACM 33(2), 1986; for three. Broken: those of higher number are not waited for. */
#include "classic.h"

enum { N = 3 };
static volatile int flag[N];

static int lower_wants(int me)
{
	for (int other = 0; other < me; other++)
		if (flag[other])
			return 1;
	return 0;
}

static void *run(void *argument)
{
	int me = (int)argument;

	do {
		flag[me] = 0;
		while (lower_wants(me))
			;
		flag[me] = 1;
	} while (lower_wants(me));
	for (int other = me + 1; !BROKEN && other < N; other++)
		while (flag[other])
			;
	critical_section(me);
	flag[me] = 0;
	return 0;
}

int main(void)
{
	together(N, run);
	return 0;
}
