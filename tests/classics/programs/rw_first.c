/* The first problem of readers and writers: P. J. Courtois, F. Heymans, D. L. Parnas, Concurrent control with "readers"
   and "writers", CACM 14(10), 1971. Broken: the last reader is not known, as the count is lowered outside of its lock. */
#include <semaphore.h>
#include "classic.h"

static sem_t mutex, resource;
static volatile int readers, data[2];

static void read_both(void)
{
	sem_wait(&mutex);
	if (++readers == 1)
		sem_wait(&resource);
	sem_post(&mutex);
	int first = data[0];

	assert(data[1] == first);
	if (BROKEN) {
		readers--;
		if (readers == 0)
			sem_post(&resource);
		return;
	}
	sem_wait(&mutex);
	if (--readers == 0)
		sem_post(&resource);
	sem_post(&mutex);
}

static void *run(void *argument)
{
	if ((int)argument < 2) {
		read_both();
		return 0;
	}
	sem_wait(&resource);
	data[0] = 1;
	data[1] = 1;
	sem_post(&resource);
	return 0;
}

int main(void)
{
	sem_init(&mutex, 0, 1);
	sem_init(&resource, 0, 1);
	together(3, run);
	return 0;
}
