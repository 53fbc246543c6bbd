/* The second problem of readers and writers, where writers come first: Courtois, Heymans, Parnas, CACM 14(10), 1971.
   Broken: a writer closes the door to readers, and does not wait for those who are in. */
#include <semaphore.h>
#include "classic.h"

static sem_t read_mutex, write_mutex, door, resource;
static int readers, writers;
static volatile int data[2];

static void reads(void)
{
	sem_wait(&door);
	sem_wait(&read_mutex);
	if (++readers == 1)
		sem_wait(&resource);
	sem_post(&read_mutex);
	sem_post(&door);
	int first = data[0];

	assert(data[1] == first);
	sem_wait(&read_mutex);
	if (--readers == 0)
		sem_post(&resource);
	sem_post(&read_mutex);
}

static void writes(int value)
{
	sem_wait(&write_mutex);
	if (++writers == 1)
		sem_wait(&door);
	sem_post(&write_mutex);
	if (!BROKEN)
		sem_wait(&resource);
	data[0] = value;
	data[1] = value;
	if (!BROKEN)
		sem_post(&resource);
	sem_wait(&write_mutex);
	if (--writers == 0)
		sem_post(&door);
	sem_post(&write_mutex);
}

static void *run(void *argument)
{
	int me = (int)argument;

	if (me < 1)
		reads();
	else
		writes(me);
	return 0;
}

int main(void)
{
	sem_init(&read_mutex, 0, 1);
	sem_init(&write_mutex, 0, 1);
	sem_init(&door, 0, 1);
	sem_init(&resource, 0, 1);
	together(3, run);
	return 0;
}
