/* Treiber's stack of nodes that are used again: IBM System/370 Extended Architecture, Principles of operation, 1983,
   appendix A, has a count beside the top. Broken: without the count a top that is the same again (ABA) passes for
   unchanged, and a node comes to two owners. */
#include <stdatomic.h>
#include "classic.h"

/* A top is a node's number, 0 for none, and above it how often it has been changed. */
enum { NUMBER = 0xff, ONE = BROKEN ? 0 : 0x100 };
static atomic_int top, owner[4];
static volatile int next[4];

static int pop(void)
{
	int was = top;

	for (;;) {
		int node = was & NUMBER;

		if (node == 0)
			return 0;
		if (atomic_compare_exchange_weak(&top, &was, ((was & ~NUMBER) + ONE) | next[node]))
			return node;
	}
}

static void push(int node)
{
	int was = top;

	do
		next[node] = was & NUMBER;
	while (!atomic_compare_exchange_weak(&top, &was, ((was & ~NUMBER) + ONE) | node));
}

static void *run(void *argument)
{
	if ((int)argument == 0) {
		int mine = pop();

		if (mine)
			assert(atomic_exchange(&owner[mine], 1) == 0);
		return 0;
	}
	int first = pop(), second = pop();

	if (second)
		assert(atomic_exchange(&owner[second], 1) == 0);
	if (first)
		push(first);
	return 0;
}

int main(void)
{
	push(2);
	push(1);
	together(2, run);
	for (int node; (node = pop()) != 0;)
		assert(!owner[node]);
	return 0;
}
