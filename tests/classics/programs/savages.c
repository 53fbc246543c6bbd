/* The dining savages: G. R. Andrews, Concurrent programming, 1991: the cook fills the pot when it is found empty.
   Broken: a savage who has woken the cook does not wait until the pot is full. */
#include <semaphore.h>
#include "classic.h"

enum { SAVAGES = 2, SERVINGS = 1 };
static sem_t mutex, empty, full;
static volatile int pot;

static void *run(void *argument)
{
	int me = (int)argument;

	if (me == SAVAGES) {
		for (int fill = 0; fill < SAVAGES / SERVINGS; fill++) {
			sem_wait(&empty);
			pot = SERVINGS;
			sem_post(&full);
		}
		return 0;
	}
	sem_wait(&mutex);
	if (pot == 0) {
		sem_post(&empty);
		if (!BROKEN)
			sem_wait(&full);
	}
	int left = pot - 1;

	assert(left >= 0);
	pot = left;
	sem_post(&mutex);
	return 0;
}

int main(void)
{
	sem_init(&mutex, 0, 1);
	sem_init(&empty, 0, 0);
	sem_init(&full, 0, 0);
	together(SAVAGES + 1, run);
	return 0;
}
