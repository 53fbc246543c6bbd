/* POSIX mutexes: the word is the name of the thread that holds one. */
#include "thread_library.h"

/* A word is written only where it changes: what is never written after the start costs no steps. */
LIB int pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attr)
{
	int type = attr ? attr->type : PTHREAD_MUTEX_DEFAULT;

	if (mutex->owner)
		mutex->owner = 0;
	if (mutex->type != type)
		mutex->type = type;
	return 0;
}

LIB int pthread_mutex_destroy(pthread_mutex_t *mutex)
{
	if (nextrust_cas(&mutex->owner, 0, DESTROYED))
		return 0;
	nextrust_misuse(mutex->owner == DESTROYED ? "pthread_mutex_destroy of a mutex that is destroyed"
						  : "pthread_mutex_destroy of a mutex that is held",
			mutex);
	return EBUSY;
}

/* The rest of lock and its like for a mutex that is not normal: whether the thread holds it already. */
static int again(pthread_mutex_t *mutex, int *error, int if_held)
{
	int times = __held(mutex);

	if (!times)
		return 0;
	*error = mutex->type == PTHREAD_MUTEX_RECURSIVE ? 0 : if_held;
	if (!*error)
		__hold(mutex, times + 1);
	return 1;
}

LIB int pthread_mutex_lock(pthread_mutex_t *mutex)
{
	int error;

	if (!mutex->type)
		nextrust_acquire(&mutex->owner, 0, own_name());
	else if (again(mutex, &error, EDEADLK))
		return error;
	else {
		nextrust_acquire(&mutex->owner, 0, own_name());
		__hold(mutex, 1);
	}
	return 0;
}

LIB int pthread_mutex_trylock(pthread_mutex_t *mutex)
{
	int error;

	if (mutex->type && again(mutex, &error, EBUSY))
		return error;
	if (!nextrust_cas(&mutex->owner, 0, own_name()))
		return EBUSY;
	if (mutex->type)
		__hold(mutex, 1);
	return 0;
}

/* The time may come whenever somebody else holds the mutex. */
LIB int pthread_mutex_timedlock(pthread_mutex_t *mutex, const struct timespec *until)
{
	int error, owner;

	if (mutex->type && again(mutex, &error, EDEADLK))
		return error;
	while (!nextrust_cas(&mutex->owner, 0, own_name())) {
		if (!is_time(until))
			return EINVAL;
		owner = mutex->owner;
		if (owner && nextrust_wait_or_timeout(&mutex->owner, owner))
			return ETIMEDOUT;
	}
	if (mutex->type)
		__hold(mutex, 1);
	return 0;
}

LIB int pthread_mutex_unlock(pthread_mutex_t *mutex)
{
	if (mutex->type) {
		int times = __held(mutex);

		if (!times)
			return EPERM;
		__hold(mutex, times - 1);
		if (times > 1)
			return 0;
	}
	if (!nextrust_cas(&mutex->owner, own_name(), 0))
		nextrust_misuse("pthread_mutex_unlock of a mutex that the thread does not hold", mutex);
	return 0;
}

LIB int pthread_mutexattr_init(pthread_mutexattr_t *attr)
{
	attr->type = PTHREAD_MUTEX_DEFAULT;
	return 0;
}

LIB int pthread_mutexattr_destroy(pthread_mutexattr_t *attr)
{
	(void)attr;
	return 0;
}

LIB int pthread_mutexattr_settype(pthread_mutexattr_t *attr, int type)
{
	if (type < PTHREAD_MUTEX_NORMAL || type > PTHREAD_MUTEX_ERRORCHECK)
		return EINVAL;
	attr->type = type;
	return 0;
}

LIB int pthread_mutexattr_gettype(const pthread_mutexattr_t *attr, int *type)
{
	*type = attr->type;
	return 0;
}

LIB int pthread_mutexattr_setpshared(pthread_mutexattr_t *attr, int shared)
{
	(void)attr;
	(void)shared;
	return 0;
}
