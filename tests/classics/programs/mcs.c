/* J. M. Mellor-Crummey, M. L. Scott, Algorithms for scalable synchronization on shared-memory multiprocessors, ACM TOCS
   9(1), 1991. Broken: who sees nobody behind himself empties the queue without asking whether it is still so. */
#include <stdatomic.h>
#include "classic.h"

struct node { _Atomic(struct node *) next; atomic_int waits; };
static struct node nodes[3];
static _Atomic(struct node *) tail;

static void lock(struct node *mine)
{
	mine->next = 0;
	mine->waits = 1;
	struct node *before = atomic_exchange(&tail, mine);

	if (before == 0)
		return;
	before->next = mine;
	while (mine->waits)
		;
}

static void unlock(struct node *mine)
{
	struct node *expected = mine;

	if (mine->next == 0) {
#if BROKEN
		tail = 0;
		return;
#else
		if (atomic_compare_exchange_strong(&tail, &expected, 0))
			return;
		while (mine->next == 0)
			;
#endif
	}
	atomic_load(&mine->next)->waits = 0;
	(void)expected;
}

static void *run(void *argument)
{
	int me = (int)argument;

	lock(&nodes[me]);
	critical_section(me);
	unlock(&nodes[me]);
	return 0;
}

int main(void)
{
	together(3, run);
	return 0;
}
