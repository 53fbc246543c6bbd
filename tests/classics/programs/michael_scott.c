/* M. M. Michael, M. L. Scott, Simple, fast, and practical non-blocking and blocking concurrent queue algorithms, PODC
   1996. Broken: a dequeuer does not look whether the head has come to the tail, and passes a tail that lags behind: the
   next enqueuer appends to a node that has left the queue. */
#include <stdatomic.h>
#include "classic.h"

struct node { _Atomic(struct node *) next; int value; };
static struct node nodes[3];
static _Atomic(struct node *) head = &nodes[0], tail = &nodes[0];

static void enqueue(struct node *node)
{
	for (;;) {
		struct node *last = tail, *next = last->next;

		if (next == 0) {
			if (atomic_compare_exchange_strong(&last->next, &next, node)) {
				atomic_compare_exchange_strong(&tail, &last, node);
				return;
			}
		} else {
			atomic_compare_exchange_strong(&tail, &last, next);
		}
	}
}

static int dequeue(void)
{
	for (;;) {
		struct node *first = head, *last = tail, *next = first->next;

		if (next == 0)
			return 0;
		if (first == last && !BROKEN) {
			atomic_compare_exchange_strong(&tail, &last, next);
			continue;
		}
		if (atomic_compare_exchange_strong(&head, &first, next)) {
			/* The node is free, and may be used again. */
			first->next = 0;
			return next->value;
		}
	}
}

static void *run(void *argument)
{
	int me = (int)argument;

	if (me == 0) {
		nodes[1].value = 1;
		enqueue(&nodes[1]);
	} else {
		dequeue();
		nodes[2].value = 2;
		enqueue(&nodes[2]);
	}
	return 0;
}

int main(void)
{
	int last = 0;

	together(2, run);
	for (int value; (value = dequeue()) != 0;)
		last += value;
	assert(last == 2 || last == 3);
	return 0;
}
