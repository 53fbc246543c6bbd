/* A monitor within another: A. Lister, The problem of nested monitor calls, ACM SIGOPS Review 11(3), 1977.
   Broken: who waits inside gives the inner lock up and keeps the outer one, which the waker needs. */
#include "classic.h"

static pthread_mutex_t outer = PTHREAD_MUTEX_INITIALIZER, inner = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int full;

static void *run(void *argument)
{
	pthread_mutex_lock(&outer);
	if (!BROKEN)
		pthread_mutex_unlock(&outer);
	pthread_mutex_lock(&inner);
	if ((int)argument == 0) {
		while (!full)
			pthread_cond_wait(&changed, &inner);
	} else {
		full = 1;
		pthread_cond_signal(&changed);
	}
	pthread_mutex_unlock(&inner);
	if (BROKEN)
		pthread_mutex_unlock(&outer);
	return 0;
}

int main(void)
{
	together(2, run);
	return 0;
}
