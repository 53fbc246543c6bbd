/* A reader that becomes a writer: B. W. Lampson, D. D. Redell, Experience with processes and monitors in Mesa, CACM 23(2),
   1980; ReentrantReadWriteLock of JSR 166. Broken: two readers each wait for the other to leave. */
#include "classic.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t left = PTHREAD_COND_INITIALIZER;
static int readers, upgrading;
static volatile int data;

static int upgraded(void)
{
	int mine;

	pthread_mutex_lock(&mutex);
	mine = BROKEN || !upgrading;
	if (mine) {
		upgrading = 1;
		while (readers > 1)
			pthread_cond_wait(&left, &mutex);
	}
	pthread_mutex_unlock(&mutex);
	return mine;
}

static void *run(void *argument)
{
	(void)argument;
	pthread_mutex_lock(&mutex);
	readers++;
	pthread_mutex_unlock(&mutex);
	int seen = data;

	if (upgraded())
		data = seen + 1;
	pthread_mutex_lock(&mutex);
	readers--;
	pthread_cond_signal(&left);
	pthread_mutex_unlock(&mutex);
	return 0;
}

int main(void)
{
	together(2, run);
	assert(data >= 1);
	return 0;
}
