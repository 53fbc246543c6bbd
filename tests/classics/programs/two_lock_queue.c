/* The queue with two locks of M. M. Michael and M. L. Scott, PODC 1996: one for those who append, one for those who take.
   Broken: those who take need none, it is thought, as they do not meet those who append. */
#include "classic.h"

struct node { struct node *volatile next; int value; };
static struct node nodes[4], *volatile head = &nodes[0], *volatile tail = &nodes[0];
static pthread_mutex_t head_lock = PTHREAD_MUTEX_INITIALIZER, tail_lock = PTHREAD_MUTEX_INITIALIZER;
static volatile int taken[4];

static void enqueue(int value)
{
	nodes[value].value = value;
	pthread_mutex_lock(&tail_lock);
	tail->next = &nodes[value];
	tail = &nodes[value];
	pthread_mutex_unlock(&tail_lock);
}

static int dequeue(void)
{
	int value = 0;

	if (!BROKEN)
		pthread_mutex_lock(&head_lock);
	struct node *next = head->next;

	if (next) {
		value = next->value;
		head = next;
	}
	if (!BROKEN)
		pthread_mutex_unlock(&head_lock);
	return value;
}

static void *run(void *argument)
{
	int me = (int)argument;

	if (me == 0) {
		enqueue(1);
		enqueue(2);
		return 0;
	}
	int value = dequeue();

	if (value) {
		assert(!taken[value]);
		taken[value] = 1;
	}
	return 0;
}

int main(void)
{
	together(3, run);
	for (int value; (value = dequeue()) != 0;) {
		assert(!taken[value]);
		taken[value] = 1;
	}
	assert(taken[1] && taken[2]);
	return 0;
}
