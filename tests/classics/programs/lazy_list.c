/* A list whose nodes are marked before they are taken out: S. Heller et al., A lazy concurrent list-based set algorithm,
   OPODIS 2005; two locks, and a look whether both nodes are still in their places.
   Broken: that look is left out, and a node is put behind one that has been removed. */
#include "classic.h"

struct node { int key; volatile int marked; struct node *volatile next; pthread_mutex_t lock; };
static struct node last = {9, 0, 0, PTHREAD_MUTEX_INITIALIZER}, one = {1, 0, &last, PTHREAD_MUTEX_INITIALIZER},
		   first = {0, 0, &one, PTHREAD_MUTEX_INITIALIZER}, two = {2, 0, 0, PTHREAD_MUTEX_INITIALIZER};

static struct node *locked(int key, struct node **after)
{
	for (;;) {
		struct node *before = &first, *here = before->next;

		while (here->key < key) {
			before = here;
			here = here->next;
		}
		pthread_mutex_lock(&before->lock);
		pthread_mutex_lock(&here->lock);
		if (BROKEN || (!before->marked && !here->marked && before->next == here)) {
			*after = here;
			return before;
		}
		pthread_mutex_unlock(&here->lock);
		pthread_mutex_unlock(&before->lock);
	}
}

static void *run(void *argument)
{
	struct node *here, *before;

	if ((int)argument == 0) {
		before = locked(1, &here);
		here->marked = 1;
		before->next = here->next;
	} else {
		before = locked(2, &here);
		two.next = here;
		before->next = &two;
	}
	pthread_mutex_unlock(&here->lock);
	pthread_mutex_unlock(&before->lock);
	return 0;
}

int main(void)
{
	together(2, run);
	assert(first.next == &two && two.next == &last);
	return 0;
}
