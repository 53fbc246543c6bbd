/* A pool of workers and one queue of work: A. D. Birrell, An introduction to programming with threads, DEC SRC 35, 1989.
   Broken: the end is announced to one worker, and the other one waits for ever. */
#include "classic.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int queued, closed, done;

static void *work(void *argument)
{
	(void)argument;
	pthread_mutex_lock(&mutex);
	for (;;) {
		while (queued == 0 && !closed)
			pthread_cond_wait(&changed, &mutex);
		if (queued == 0)
			break;
		queued--;
		done++;
	}
	pthread_mutex_unlock(&mutex);
	return 0;
}

int main(void)
{
	pthread_t worker[2];

	for (int i = 0; i < 2; i++)
		pthread_create(&worker[i], 0, work, 0);
	for (int i = 0; i < 2; i++) {
		pthread_mutex_lock(&mutex);
		queued++;
		pthread_cond_signal(&changed);
		pthread_mutex_unlock(&mutex);
	}
	pthread_mutex_lock(&mutex);
	closed = 1;
	if (BROKEN)
		pthread_cond_signal(&changed);
	else
		pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&mutex);
	for (int i = 0; i < 2; i++)
		pthread_join(worker[i], 0);
	assert(done == 2);
	return 0;
}
