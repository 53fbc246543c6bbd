/* POSIX locks of readers and writers: the word has a bit for the slot of every reader, and, above those, for that of
   the writer. Nobody is preferred. How often a thread reads, or that it writes, it knows itself. */
#include "thread_library.h"

enum { WRITES = -1 };

static unsigned int bits(int times)
{
	return (times == WRITES ? 1u << NEXTRUST_SLOTS : 1u) << nextrust_thread_self();
}

static unsigned int others(int times)
{
	return times == WRITES ? ~0u : ~0u << NEXTRUST_SLOTS;
}

LIB int pthread_rwlock_init(pthread_rwlock_t *lock, const pthread_rwlockattr_t *attr)
{
	(void)attr;
	if (lock->holders)
		lock->holders = 0;
	return 0;
}

LIB int pthread_rwlock_destroy(pthread_rwlock_t *lock)
{
	if (nextrust_cas(&lock->holders, 0, DESTROYED))
		return 0;
	nextrust_misuse(lock->holders == DESTROYED ? "pthread_rwlock_destroy of a lock that is destroyed"
						   : "pthread_rwlock_destroy of a lock that is held",
			lock);
	return EBUSY;
}

/* Whether what the thread holds decides: a reader reads once more, a writer would wait for itself. */
static int again(pthread_rwlock_t *lock, int times, int *error)
{
	int had = __held(lock);

	if (!had)
		return 0;
	*error = had > 0 && times > 0 ? 0 : EDEADLK;
	if (!*error)
		__hold(lock, had + 1);
	return 1;
}

static int taken(pthread_rwlock_t *lock, int times)
{
	int error;

	if (again(lock, times, &error))
		return error;
	nextrust_claim(&lock->holders, (int)others(times), (int)bits(times));
	__hold(lock, times);
	return 0;
}

/* Without waiting; or until a time, which may come whenever the lock cannot be had. */
static int tried(pthread_rwlock_t *lock, int times, const struct timespec *until)
{
	int error, holders;

	if (again(lock, times, &error))
		return error && !until ? EBUSY : error;
	do {
		holders = lock->holders;
		if ((unsigned int)holders & others(times)) {
			if (!until)
				return EBUSY;
			if (!is_time(until))
				return EINVAL;
			if (nextrust_wait_or_timeout(&lock->holders, holders))
				return ETIMEDOUT;
			holders = 0;
		}
	} while (!nextrust_cas(&lock->holders, holders, holders | (int)bits(times)));
	__hold(lock, times);
	return 0;
}

LIB int pthread_rwlock_rdlock(pthread_rwlock_t *lock)
{
	return taken(lock, 1);
}

LIB int pthread_rwlock_tryrdlock(pthread_rwlock_t *lock)
{
	return tried(lock, 1, 0);
}

LIB int pthread_rwlock_timedrdlock(pthread_rwlock_t *lock, const struct timespec *until)
{
	return tried(lock, 1, until);
}

LIB int pthread_rwlock_wrlock(pthread_rwlock_t *lock)
{
	return taken(lock, WRITES);
}

LIB int pthread_rwlock_trywrlock(pthread_rwlock_t *lock)
{
	return tried(lock, WRITES, 0);
}

LIB int pthread_rwlock_timedwrlock(pthread_rwlock_t *lock, const struct timespec *until)
{
	return tried(lock, WRITES, until);
}

LIB int pthread_rwlock_unlock(pthread_rwlock_t *lock)
{
	int times = __held(lock);

	if (!times)
		nextrust_misuse("pthread_rwlock_unlock of a lock that the thread does not hold", lock);
	__hold(lock, times > 0 ? times - 1 : 0);
	if (times <= 1)
		nextrust_keep_bits(&lock->holders, (int)~bits(times));
	return 0;
}

LIB int pthread_rwlockattr_init(pthread_rwlockattr_t *attr)
{
	attr->shared = PTHREAD_PROCESS_PRIVATE;
	return 0;
}

LIB int pthread_rwlockattr_destroy(pthread_rwlockattr_t *attr)
{
	(void)attr;
	return 0;
}
