/* The room for one kind at a time: Downey, 2008, 6.2: the first of a kind takes the room, the last gives it back.
   Broken: each kind counts without a lock of its own, by a load and a store. */
#include <semaphore.h>
#include "classic.h"

static sem_t room, mutex[2];
static volatile int count[2], in[2];

static void *run(void *argument)
{
	int kind = (int)argument / 2;

	if (!BROKEN)
		sem_wait(&mutex[kind]);
	int before = count[kind];

	count[kind] = before + 1;
	if (before == 0)
		sem_wait(&room);
	if (!BROKEN)
		sem_post(&mutex[kind]);
	in[kind] = 1;
	assert(!in[1 - kind]);
	if (!BROKEN)
		sem_wait(&mutex[kind]);
	int after = count[kind] - 1;

	count[kind] = after;
	if (after == 0) {
		in[kind] = 0;
		sem_post(&room);
	}
	if (!BROKEN)
		sem_post(&mutex[kind]);
	return 0;
}

int main(void)
{
	sem_init(&room, 0, 1);
	sem_init(&mutex[0], 0, 1);
	sem_init(&mutex[1], 0, 1);
	together(3, run);
	return 0;
}
