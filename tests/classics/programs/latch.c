/* A latch that is counted down once, by two workers, while two wait: D. Lea et al., java.util.concurrent, JSR 166, 2004.
   Broken: the last wakes one of those who wait. */
#include "classic.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t open = PTHREAD_COND_INITIALIZER;
static int left = 2;

static void *run(void *argument)
{
	pthread_mutex_lock(&mutex);
	if ((int)argument < 2) {
		if (--left == 0) {
			if (BROKEN)
				pthread_cond_signal(&open);
			else
				pthread_cond_broadcast(&open);
		}
	} else {
		while (left > 0)
			pthread_cond_wait(&open, &mutex);
		assert(left == 0);
	}
	pthread_mutex_unlock(&mutex);
	return 0;
}

int main(void)
{
	together(4, run);
	return 0;
}
