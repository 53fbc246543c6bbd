/* A list without locks: T. L. Harris, A pragmatic implementation of non-blocking linked lists, DISC 2001: the link of a
   node that is removed is marked first. Broken: it is not, and a node that is put behind it at that moment is lost. */
#include <stdatomic.h>
#include "classic.h"

struct node { int key; atomic_uint next; };
static struct node last = {9, 0}, one = {1, 0}, first = {0, 0}, two = {2, 0};

static struct node *node_at(unsigned int link)
{
	return (struct node *)(link & ~1u);
}

/* The last node below the key that is not marked; what is marked behind it is taken out. */
static struct node *before_key(int key, struct node **here)
{
again:;
	struct node *before = &first;

	*here = node_at(before->next);
	for (;;) {
		unsigned int link = (*here)->next;

		if (link & 1) {
			unsigned int expected = (unsigned int)*here;

			if (!atomic_compare_exchange_strong(&before->next, &expected, link & ~1u))
				goto again;
			*here = node_at(link);
			continue;
		}
		if ((*here)->key >= key)
			return before;
		before = *here;
		*here = node_at(link);
	}
}

static void *run(void *argument)
{
	struct node *here, *before;
	unsigned int link;

	if ((int)argument == 0) {
		do {
			before = before_key(1, &here);
			link = here->next & ~1u;
		} while (!BROKEN && !atomic_compare_exchange_strong(&here->next, &link, link | 1));
		unsigned int expected = (unsigned int)here;
		atomic_compare_exchange_strong(&before->next, &expected, link);
	} else {
		do {
			before = before_key(2, &here);
			two.next = link = (unsigned int)here;
		} while (!atomic_compare_exchange_strong(&before->next, &link, (unsigned int)&two));
	}
	return 0;
}

int main(void)
{
	struct node *here;

	one.next = (unsigned int)&last;
	first.next = (unsigned int)&one;
	together(2, run);
	before_key(9, &here);
	assert(node_at(first.next) == &two && node_at(two.next) == &last);
	return 0;
}
