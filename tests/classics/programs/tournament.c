/* A tree of Peterson's locks: G. L. Peterson, M. J. Fischer, Economical solutions for the critical section problem in a
   distributed system, STOC 1977. Three threads, two of them with the same leaf.
   Broken: the leaf is left before the root, so that two threads may be at the same side of the root. */
#include "classic.h"

struct node { volatile int wants[2], turn; };
static struct node leaf, root;

static void enter(struct node *node, int side)
{
	node->wants[side] = 1;
	node->turn = side;
	while (node->wants[1 - side] && node->turn == side)
		;
}

static void *run(void *argument)
{
	int me = (int)argument;

	if (me == 2) {
		enter(&root, 1);
		critical_section(me);
		root.wants[1] = 0;
		return 0;
	}
	enter(&leaf, me);
	enter(&root, 0);
	critical_section(me);
	if (BROKEN)
		leaf.wants[me] = 0;
	root.wants[0] = 0;
	if (!BROKEN)
		leaf.wants[me] = 0;
	return 0;
}

int main(void)
{
	together(3, run);
	return 0;
}
