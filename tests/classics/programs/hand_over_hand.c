/* A list with a lock for each node, two of which are held: R. Bayer, M. Schkolnick, Concurrency of operations on B-trees,
   Acta Informatica 9, 1977. Broken: a node is given up before the next one is held. */
#include "classic.h"

struct node { int key; struct node *volatile next; pthread_mutex_t lock; };
static struct node last = {9, 0, PTHREAD_MUTEX_INITIALIZER}, two = {2, &last, PTHREAD_MUTEX_INITIALIZER},
		   one = {1, &two, PTHREAD_MUTEX_INITIALIZER}, first = {0, &one, PTHREAD_MUTEX_INITIALIZER};

static void removed(int key)
{
	struct node *before = &first, *here;

	pthread_mutex_lock(&before->lock);
	here = before->next;
	if (BROKEN)
		pthread_mutex_unlock(&before->lock);
	pthread_mutex_lock(&here->lock);
	while (here->key < key) {
		if (!BROKEN)
			pthread_mutex_unlock(&before->lock);
		before = here;
		here = here->next;
		if (BROKEN)
			pthread_mutex_unlock(&before->lock);
		pthread_mutex_lock(&here->lock);
	}
	before->next = here->next;
	pthread_mutex_unlock(&here->lock);
	if (!BROKEN)
		pthread_mutex_unlock(&before->lock);
}

static void *run(void *argument)
{
	removed((int)argument + 1);
	return 0;
}

int main(void)
{
	together(2, run);
	assert(first.next == &last);
	return 0;
}
