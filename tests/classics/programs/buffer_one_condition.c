/* A buffer of one place between two producers and two consumers: C. A. R. Hoare, Monitors: an operating system structuring
   concept, CACM 17(10), 1974, has a condition for either kind. Broken: both kinds wait for one condition, and a signal
   wakes one of the wrong kind (D. Lea, 1996). */
#include "classic.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition[2];
static int full;

static void *run(void *argument)
{
	int kind = (int)argument % 2;

	pthread_mutex_lock(&mutex);
	while (full == !kind)
		pthread_cond_wait(&condition[BROKEN ? 0 : kind], &mutex);
	full = !kind;
	pthread_cond_signal(&condition[BROKEN ? 0 : !kind]);
	pthread_mutex_unlock(&mutex);
	return 0;
}

int main(void)
{
	together(4, run);
	return 0;
}
