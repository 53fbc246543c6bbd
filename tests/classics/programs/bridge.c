/* The bridge with one lane: J. Magee, J. Kramer, Concurrency: state models and Java programs, 1999, chapter 7.
   Broken: cars look whether the other way is free, and enter after they have given the monitor up. */
#include "classic.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t clear = PTHREAD_COND_INITIALIZER;
static volatile int on[2];

static void enter(int way)
{
	pthread_mutex_lock(&mutex);
	while (on[1 - way])
		pthread_cond_wait(&clear, &mutex);
	if (BROKEN)
		pthread_mutex_unlock(&mutex);
	on[way]++;
	if (!BROKEN)
		pthread_mutex_unlock(&mutex);
}

static void *run(void *argument)
{
	int way = (int)argument % 2;

	enter(way);
	assert(!on[1 - way]);
	pthread_mutex_lock(&mutex);
	if (--on[way] == 0)
		pthread_cond_broadcast(&clear);
	pthread_mutex_unlock(&mutex);
	return 0;
}

int main(void)
{
	together(3, run);
	return 0;
}
