/* M. M. Michael, Hazard pointers: safe memory reclamation for lock-free objects, IEEE TPDS 15(6), 2004.
   Broken: a reader does not look whether the node was still in place after its hazard pointer was. */
#include <stdatomic.h>
#include "classic.h"

struct node { volatile int value; };
static struct node nodes[2] = {{1}, {2}};
static _Atomic(struct node *) current = &nodes[0], hazard;

static void *run(void *argument)
{
	if ((int)argument == 0) {
		struct node *seen;

		do {
			seen = current;
			hazard = seen;
		} while (!BROKEN && current != seen);
		assert(seen->value != 0);
		hazard = 0;
		return 0;
	}
	struct node *old = atomic_exchange(&current, &nodes[1]);

	/* It is kept where somebody may hold it. */
	if (hazard != old)
		old->value = 0;
	return 0;
}

int main(void)
{
	together(2, run);
	return 0;
}
