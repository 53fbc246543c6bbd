/* Two who meet: A. B. Downey, The little book of semaphores, 2008, 3.3: each says that he is there, and waits then.
   Broken: each waits first. */
#include <semaphore.h>
#include "classic.h"

static sem_t there[2];
static volatile int arrived[2];

static void *run(void *argument)
{
	int me = (int)argument;

	arrived[me] = 1;
	if (!BROKEN)
		sem_post(&there[me]);
	sem_wait(&there[1 - me]);
	if (BROKEN)
		sem_post(&there[me]);
	assert(arrived[1 - me]);
	return 0;
}

int main(void)
{
	sem_init(&there[0], 0, 0);
	sem_init(&there[1], 0, 0);
	together(2, run);
	return 0;
}
