/* A buffer with two counting semaphores: E. W. Dijkstra, EWD 123, 1965.
   Broken: the mutex is taken before the place is waited for, and nobody can make one free. */
#include <semaphore.h>
#include "classic.h"

static sem_t free, filled, mutex;
static volatile int item;

static void *run(void *argument)
{
	int produces = (int)argument == 0;
	sem_t *wanted = produces ? &free : &filled;

	for (int i = 1; i <= 2; i++) {
		sem_wait(BROKEN ? &mutex : wanted);
		sem_wait(BROKEN ? wanted : &mutex);
		if (produces)
			item = i;
		else
			assert(item == i);
		sem_post(&mutex);
		sem_post(produces ? &filled : &free);
	}
	return 0;
}

int main(void)
{
	sem_init(&free, 0, 1);
	sem_init(&filled, 0, 0);
	sem_init(&mutex, 0, 1);
	together(2, run);
	return 0;
}
