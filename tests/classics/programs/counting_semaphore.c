/* A counting semaphore of a mutex and a condition: Birrell, DEC SRC 35, 1989.
   Broken: only the step from nought to one is signalled, and of two who wait one is not woken. */
#include "classic.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t positive = PTHREAD_COND_INITIALIZER;
static int value;

static void down(void)
{
	pthread_mutex_lock(&mutex);
	while (value == 0)
		pthread_cond_wait(&positive, &mutex);
	value--;
	pthread_mutex_unlock(&mutex);
}

static void up(void)
{
	pthread_mutex_lock(&mutex);
	if (value++ == 0 || !BROKEN)
		pthread_cond_signal(&positive);
	pthread_mutex_unlock(&mutex);
}

static void *run(void *argument)
{
	if ((int)argument < 2) {
		down();
	} else {
		up();
		up();
	}
	return 0;
}

int main(void)
{
	together(3, run);
	return 0;
}
