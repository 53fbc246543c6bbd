/* The cigarette smokers: S. S. Patil, 1971; D. L. Parnas, On a solution to the cigarette smokers' problem (without
   conditional statements), CACM 18(3), 1975: pushers find out who has what he lacks.
   Broken: the smokers take the two things one after the other, and one takes what another one needs. */
#include <semaphore.h>
#include "classic.h"

enum { TOBACCO, PAPER };
static sem_t thing[2], matches, smoker[2];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int there[2];

/* The agent puts tobacco and matches on the table: for the smoker who has paper. */
static void *agent(void *argument)
{
	(void)argument;
	sem_post(&thing[TOBACCO]);
	sem_post(&matches);
	return 0;
}

static void *pusher(void *argument)
{
	int mine = (int)argument;

	if (mine == TOBACCO)
		sem_wait(&thing[TOBACCO]);
	else
		sem_wait(&matches);
	pthread_mutex_lock(&mutex);
	there[mine] = 1;
	if (there[0] && there[1])
		sem_post(&smoker[PAPER]);
	pthread_mutex_unlock(&mutex);
	return 0;
}

static void *has_paper(void *argument)
{
	(void)argument;
	if (BROKEN) {
		sem_wait(&thing[TOBACCO]);
		sem_wait(&matches);
	} else {
		sem_wait(&smoker[PAPER]);
	}
	return 0;
}

/* Wants matches, and then paper, which is not there: nobody waits for him. */
static void *has_tobacco(void *argument)
{
	(void)argument;
	if (BROKEN)
		sem_wait(&matches);
	return 0;
}

int main(void)
{
	pthread_t thread[4];

	sem_init(&thing[0], 0, 0);
	sem_init(&thing[1], 0, 0);
	sem_init(&matches, 0, 0);
	sem_init(&smoker[0], 0, 0);
	sem_init(&smoker[1], 0, 0);
	pthread_create(&thread[0], 0, agent, 0);
	pthread_create(&thread[1], 0, has_paper, 0);
	pthread_create(&thread[2], 0, has_tobacco, 0);
	if (!BROKEN) {
		pthread_create(&thread[3], 0, pusher, (void *)0);
		pusher((void *)1);
		pthread_join(thread[3], 0);
	}
	pthread_join(thread[0], 0);
	pthread_join(thread[1], 0);
	return 0;
}
