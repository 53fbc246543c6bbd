/* POSIX threads over kernel threads. A thread's name is its slot and one. */
#include <errno.h>
#include <nextrust.h>
#include <pthread.h>

#define LIB __attribute__((weak))

LIB void nextrust_thread_run(void *(*start)(void *), void *argument)
{
	nextrust_thread_end(start(argument));
}

LIB int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *), void *argument)
{
	int slot = nextrust_thread_spawn(nextrust_thread_begin, 0, (void *)start, argument);

	if (slot < 0)
		return EAGAIN;
	if (attr && attr->detached)
		nextrust_thread_detach(slot);
	*thread = slot + 1;
	return 0;
}

LIB int pthread_join(pthread_t thread, void **value)
{
	void *answer = (void *)nextrust_thread_join(thread - 1);

	if (value)
		*value = answer;
	return 0;
}

LIB int pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attr)
{
	(void)attr;
	if (mutex->owner)
		mutex->owner = 0;
	return 0;
}

LIB int pthread_mutex_lock(pthread_mutex_t *mutex)
{
	nextrust_acquire(&mutex->owner, 0, nextrust_thread_self() + 1);
	return 0;
}

LIB int pthread_mutex_unlock(pthread_mutex_t *mutex)
{
	if (!nextrust_cas(&mutex->owner, nextrust_thread_self() + 1, 0))
		nextrust_fail("pthread_mutex_unlock of a mutex that the thread does not hold");
	return 0;
}

LIB int pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex)
{
	int own = 1 << nextrust_thread_self();

	nextrust_set_bits(&cond->waiting, own);
	pthread_mutex_unlock(mutex);
	nextrust_wait_mask(&cond->waiting, own);
	return pthread_mutex_lock(mutex);
}

/* One of those who wait, any of them. */
LIB int pthread_cond_signal(pthread_cond_t *cond)
{
	int waiting;

	while ((waiting = cond->waiting) != 0) {
		int left = nextrust_choose(__builtin_popcount((unsigned)waiting)), one = waiting;

		while (left--)
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
