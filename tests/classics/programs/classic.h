/* What the programs share: threads that are made and joined together, and how they see that they are alone. */
#include <assert.h>
#include <pthread.h>

#ifndef BROKEN
#define BROKEN 0
#endif

/* Run each of so many threads with its number. */
static inline void together(int threads, void *(*run)(void *))
{
	pthread_t thread[8];

	for (int i = 0; i < threads; i++)
		pthread_create(&thread[i], 0, run, (void *)i);
	for (int i = 0; i < threads; i++)
		pthread_join(thread[i], 0);
}

/* A critical section: nobody else is in it between the write and the read. */
static inline void critical_section(int me)
{
	static volatile int last;

	last = me;
	assert(last == me);
}
