/* Readers and writers in the order of their coming, through a turnstile: A. B. Downey, The little book of semaphores,
   2008, 4.2.6. Broken: a reader keeps the turnstile while it waits for the count's lock, which the last reader
   holds while it wants the turnstile. */
#include <semaphore.h>
#include "classic.h"

static sem_t turnstile, mutex, room;
static int readers;
static volatile int data[2];

static void reads(void)
{
	sem_wait(&turnstile);
	if (!BROKEN)
		sem_post(&turnstile);
	sem_wait(&mutex);
	if (++readers == 1)
		sem_wait(&room);
	sem_post(&mutex);
	if (BROKEN)
		sem_post(&turnstile);
	int first = data[0];

	assert(data[1] == first);
	sem_wait(&mutex);
	if (BROKEN)
		sem_wait(&turnstile);
	if (--readers == 0)
		sem_post(&room);
	if (BROKEN)
		sem_post(&turnstile);
	sem_post(&mutex);
}

static void *run(void *argument)
{
	if ((int)argument < 2) {
		reads();
		return 0;
	}
	sem_wait(&turnstile);
	sem_wait(&room);
	data[0] = 1;
	data[1] = 1;
	sem_post(&turnstile);
	sem_post(&room);
	return 0;
}

int main(void)
{
	sem_init(&turnstile, 0, 1);
	sem_init(&mutex, 0, 1);
	sem_init(&room, 0, 1);
	together(3, run);
	return 0;
}
