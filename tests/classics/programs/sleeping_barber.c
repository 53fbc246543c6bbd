/* The sleeping barber: E. W. Dijkstra, Cooperating sequential processes, 1965 (EWD 123).
   Broken: the barber looks for customers outside of the lock, and sleeps while one has just come. */
#include "classic.h"

enum { CUSTOMERS = 2 };
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t came = PTHREAD_COND_INITIALIZER, served = PTHREAD_COND_INITIALIZER;
static volatile int waiting, cut;

static void barber(void)
{
	for (int customer = 0; customer < CUSTOMERS; customer++) {
#if BROKEN
		int nobody = waiting == 0;

		pthread_mutex_lock(&mutex);
		if (nobody)
			pthread_cond_wait(&came, &mutex);
#else
		pthread_mutex_lock(&mutex);
		while (waiting == 0)
			pthread_cond_wait(&came, &mutex);
#endif
		waiting--;
		cut++;
		pthread_cond_broadcast(&served);
		pthread_mutex_unlock(&mutex);
	}
}

static void *run(void *argument)
{
	if ((int)argument == 0) {
		barber();
		return 0;
	}
	pthread_mutex_lock(&mutex);
	waiting++;
	pthread_cond_signal(&came);
	while (cut == 0)
		pthread_cond_wait(&served, &mutex);
	pthread_mutex_unlock(&mutex);
	return 0;
}

int main(void)
{
	together(1 + CUSTOMERS, run);
	return 0;
}
