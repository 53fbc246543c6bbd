/* R. K. Treiber, Systems programming: coping with parallelism, IBM RJ 5118, 1986: pushes by two threads.
   Broken: the top is read, and written without asking whether it is still the same. */
#include <stdatomic.h>
#include "classic.h"

struct node { struct node *next; };
static struct node nodes[4];
static _Atomic(struct node *) top;

static void push(struct node *node)
{
	struct node *was = top;

#if BROKEN
	node->next = was;
	top = node;
#else
	do
		node->next = was;
	while (!atomic_compare_exchange_weak(&top, &was, node));
#endif
}

static void *run(void *argument)
{
	int me = (int)argument;

	push(&nodes[2 * me]);
	push(&nodes[2 * me + 1]);
	return 0;
}

int main(void)
{
	int count = 0;

	together(2, run);
	for (struct node *at = top; at; at = at->next)
		count++;
	assert(count == 4);
	return 0;
}
