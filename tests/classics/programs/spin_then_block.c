/* A lock that is tried a few times before a thread sleeps: J. K. Ousterhout, Scheduling techniques for concurrent
   systems, 1982; three states as in U. Drepper, Futexes are tricky, 2005.
   Broken: who goes to sleep does not say so in the lock. */
#include <stdatomic.h>
#include "classic.h"

enum { FREE, TAKEN, WAITED_FOR };
static atomic_int state;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t released = PTHREAD_COND_INITIALIZER;

static void lock(void)
{
	int expected = FREE;

	if (atomic_compare_exchange_strong(&state, &expected, TAKEN))
		return;
	pthread_mutex_lock(&mutex);
#if BROKEN
	while (expected = FREE, !atomic_compare_exchange_strong(&state, &expected, TAKEN))
		pthread_cond_wait(&released, &mutex);
#else
	while (atomic_exchange(&state, WAITED_FOR) != FREE)
		pthread_cond_wait(&released, &mutex);
#endif
	pthread_mutex_unlock(&mutex);
}

static void unlock(void)
{
	if (atomic_exchange(&state, FREE) != WAITED_FOR)
		return;
	pthread_mutex_lock(&mutex);
	pthread_cond_signal(&released);
	pthread_mutex_unlock(&mutex);
}

static void *run(void *argument)
{
	lock();
	critical_section((int)argument);
	unlock();
	return 0;
}

int main(void)
{
	together(2, run);
	return 0;
}
