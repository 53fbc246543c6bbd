/* A stack whose operations are atomic each: M. Herlihy, J. Wing, Linearizability, ACM TOPLAS 12(3), 1990; D. Lea, 1996.
   Broken: whether it is empty is asked first, and popped then: the two together are not atomic. */
#include "classic.h"

struct node { struct node *next; int value; };
static struct node one = {0, 1}, *top = &one;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static int is_empty(void)
{
	pthread_mutex_lock(&mutex);
	int answer = top == 0;

	pthread_mutex_unlock(&mutex);
	return answer;
}

static int pop(void)
{
	int value = 0;

	pthread_mutex_lock(&mutex);
	if (BROKEN || top) {
		value = *(volatile int *)&top->value;
		top = top->next;
	}
	pthread_mutex_unlock(&mutex);
	return value;
}

static void *run(void *argument)
{
	(void)argument;
	if (!is_empty())
		pop();
	return 0;
}

int main(void)
{
	together(2, run);
	return 0;
}
