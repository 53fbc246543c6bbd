/* Sleep and wakeup: J. H. Saltzer, Traffic control in a multiplexed computer system, MIT, 1966, on the wakeup waiting
   switch; Tanenbaum, 1992. Broken: the flag is tested outside of the lock, and the wakeup comes before the sleep. */
#include "classic.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wakeup = PTHREAD_COND_INITIALIZER;
static volatile int ready;

static void *run(void *argument)
{
	if ((int)argument == 0) {
#if BROKEN
		if (!ready) {
			pthread_mutex_lock(&mutex);
			pthread_cond_wait(&wakeup, &mutex);
			pthread_mutex_unlock(&mutex);
		}
#else
		pthread_mutex_lock(&mutex);
		while (!ready)
			pthread_cond_wait(&wakeup, &mutex);
		pthread_mutex_unlock(&mutex);
#endif
	} else {
		pthread_mutex_lock(&mutex);
		ready = 1;
		pthread_cond_signal(&wakeup);
		pthread_mutex_unlock(&mutex);
	}
	return 0;
}

int main(void)
{
	together(2, run);
	return 0;
}
