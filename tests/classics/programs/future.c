/* A future, whose value is waited for: H. Baker, C. Hewitt, The incremental garbage collection of processes, 1977;
   R. H. Halstead, Multilisp, ACM TOPLAS 7(4), 1985. Broken: it says that it is there before it has its value. */
#include "classic.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t resolved = PTHREAD_COND_INITIALIZER;
static volatile int there, value;

static void resolve(int with)
{
	if (!BROKEN)
		value = with;
	pthread_mutex_lock(&mutex);
	there = 1;
	pthread_cond_broadcast(&resolved);
	pthread_mutex_unlock(&mutex);
	if (BROKEN)
		value = with;
}

static int touched(void)
{
	pthread_mutex_lock(&mutex);
	while (!there)
		pthread_cond_wait(&resolved, &mutex);
	pthread_mutex_unlock(&mutex);
	return value;
}

static void *run(void *argument)
{
	if ((int)argument == 0)
		resolve(7);
	else
		assert(touched() == 7);
	return 0;
}

int main(void)
{
	together(3, run);
	return 0;
}
