/* Eventcounts: D. P. Reed, R. K. Kanodia, CACM 22(2), 1979; D. Vyukov, 2008: a waiter notes the count, looks once more
   whether there is work, and sleeps only while the count is what it was.
   Broken: the count is noted after the look, and an event in between is missed. */
#include <stdatomic.h>
#include "classic.h"

static atomic_int count, work;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t advanced = PTHREAD_COND_INITIALIZER;

static void await_change(int key)
{
	pthread_mutex_lock(&mutex);
	while (count == key)
		pthread_cond_wait(&advanced, &mutex);
	pthread_mutex_unlock(&mutex);
}

static void advance(void)
{
	pthread_mutex_lock(&mutex);
	count++;
	pthread_cond_broadcast(&advanced);
	pthread_mutex_unlock(&mutex);
}

static void *run(void *argument)
{
	if ((int)argument == 0) {
		work = 1;
		advance();
		return 0;
	}
	for (;;) {
		int key = BROKEN ? 0 : count;

		if (work)
			return 0;
		if (BROKEN)
			key = count;
		await_change(key);
	}
}

int main(void)
{
	together(2, run);
	return 0;
}
