/* A buffer of one place: B. W. Lampson, D. D. Redell, CACM 23(2), 1980: after a wait the condition is tested again.
   Broken: it is tested by an if, as in Hoare's monitors, and another consumer may have been faster. */
#include "classic.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t filled = PTHREAD_COND_INITIALIZER;
static int count;

static void *run(void *argument)
{
	pthread_mutex_lock(&mutex);
	if ((int)argument == 2) {
		count = 1;
		pthread_cond_signal(&filled);
		pthread_mutex_unlock(&mutex);
		pthread_mutex_lock(&mutex);
		count++;
		pthread_cond_signal(&filled);
	} else {
#if BROKEN
		if (count == 0)
#else
		while (count == 0)
#endif
			pthread_cond_wait(&filled, &mutex);
		assert(count > 0);
		count--;
	}
	pthread_mutex_unlock(&mutex);
	return 0;
}

int main(void)
{
	together(3, run);
	return 0;
}
