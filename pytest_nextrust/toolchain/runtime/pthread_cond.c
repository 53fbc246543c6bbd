/* POSIX conditions: the word has a bit for the slot of every thread that waits. Who is woken has its bit cleared. */
#include "thread_library.h"

LIB int pthread_cond_init(pthread_cond_t *cond, const pthread_condattr_t *attr)
{
	(void)attr;
	if (cond->waiting)
		cond->waiting = 0;
	return 0;
}

LIB int pthread_cond_destroy(pthread_cond_t *cond)
{
	if (nextrust_cas(&cond->waiting, 0, DESTROYED))
		return 0;
	nextrust_misuse(cond->waiting == DESTROYED ? "pthread_cond_destroy of a condition that is destroyed"
						   : "pthread_cond_destroy of a condition that a thread waits for",
			cond);
	return EBUSY;
}

/* The mutex is let go of whole, however often a recursive one is held, and taken as often again. */
static int waited(pthread_cond_t *cond, pthread_mutex_t *mutex, int (*wait)(volatile int *, int))
{
	int own = 1 << nextrust_thread_self(), answer, times = mutex->type ? __held(mutex) : 0;

	nextrust_set_bits(&cond->waiting, own);
	if (times)
		__hold(mutex, 0);
	if (!nextrust_cas(&mutex->owner, own_name(), 0))
		nextrust_misuse("pthread_cond_wait with a mutex that the thread does not hold", mutex);
	answer = wait(&cond->waiting, own);
	nextrust_acquire(&mutex->owner, 0, own_name());
	if (times)
		__hold(mutex, times);
	return answer;
}

LIB int pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex)
{
	waited(cond, mutex, nextrust_wait_mask);
	return 0;
}

/* The time may come whenever the thread waits. */
LIB int pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *until)
{
	if (!is_time(until))
		return EINVAL;
	return waited(cond, mutex, nextrust_wait_mask_or_timeout) ? ETIMEDOUT : 0;
}

/* One of those who wait, any of them. */
LIB int pthread_cond_signal(pthread_cond_t *cond)
{
	int waiting;

	while ((waiting = cond->waiting) != 0) {
		int left, one = waiting;

		if (waiting == DESTROYED)
			nextrust_misuse("pthread_cond_signal of a condition that is destroyed", cond);
		for (left = nextrust_choose_few(__builtin_popcount((unsigned)waiting)); left; left--)
			one &= one - 1;
		if (nextrust_cas(&cond->waiting, waiting, waiting & ~(one & -one)))
			break;
	}
	return 0;
}

LIB int pthread_cond_broadcast(pthread_cond_t *cond)
{
	cond->waiting = 0;
	return 0;
}

LIB int pthread_condattr_init(pthread_condattr_t *attr)
{
	attr->clock = CLOCK_REALTIME;
	return 0;
}

LIB int pthread_condattr_destroy(pthread_condattr_t *attr)
{
	(void)attr;
	return 0;
}

LIB int pthread_condattr_setclock(pthread_condattr_t *attr, clockid_t clock)
{
	if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC)
		return EINVAL;
	attr->clock = clock;
	return 0;
}

LIB int pthread_condattr_setpshared(pthread_condattr_t *attr, int shared)
{
	(void)attr;
	(void)shared;
	return 0;
}
