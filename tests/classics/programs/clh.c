/* T. S. Craig, Building FIFO and priority-queuing spin locks from atomic swap, 1993; P. Magnusson, A. Landin,
   E. Hagersten, IPPS 1994. Broken: a thread takes its own node again, at which another may still be waiting, where its
   predecessor's is free. */
#include <stdatomic.h>
#include "classic.h"

static atomic_int busy[3];
static atomic_int tail = 2;

static void *run(void *argument)
{
	int me = (int)argument, mine = me;

	for (int round = 0; round < 2; round++) {
		busy[mine] = 1;
		int before = atomic_exchange(&tail, mine);

		while (busy[before])
			;
		critical_section(me);
		busy[mine] = 0;
		if (!BROKEN)
			mine = before;
	}
	return 0;
}

int main(void)
{
	together(2, run);
	return 0;
}
