/* C11's threads over POSIX's. */
#include "thread_library.h"
#include <threads.h>

void nextrust_thrd_begin(void);

static int outcome(int error)
{
	switch (error) {
	case 0:
		return thrd_success;
	case EBUSY:
		return thrd_busy;
	case ETIMEDOUT:
		return thrd_timedout;
	case ENOMEM:
		return thrd_nomem;
	default:
		return thrd_error;
	}
}

LIB void thrd_exit(int value)
{
	pthread_exit((void *)value);
}

LIB void nextrust_thrd_run(thrd_start_t start, void *argument)
{
	thrd_exit(start(argument));
}

LIB int thrd_create(thrd_t *thread, thrd_start_t start, void *argument)
{
	int slot = nextrust_thread_spawn(nextrust_thrd_begin, 0, (void *)start, argument);

	if (slot < 0)
		return thrd_nomem;
	*thread = slot + 1;
	return thrd_success;
}

LIB int thrd_join(thrd_t thread, int *value)
{
	void *answer = 0;
	int error = pthread_join(thread, &answer);

	if (!error && value)
		*value = (int)answer;
	return outcome(error);
}

LIB int thrd_detach(thrd_t thread)
{
	return outcome(pthread_detach(thread));
}

LIB thrd_t thrd_current(void)
{
	return pthread_self();
}

LIB int thrd_equal(thrd_t one, thrd_t other)
{
	return one == other;
}

LIB void thrd_yield(void)
{
	sched_yield();
}

LIB int thrd_sleep(const struct timespec *time, struct timespec *left)
{
	return nanosleep(time, left);
}

LIB int mtx_init(mtx_t *mutex, int type)
{
	pthread_mutexattr_t attr = { type & mtx_recursive ? PTHREAD_MUTEX_RECURSIVE : PTHREAD_MUTEX_NORMAL };

	return outcome(pthread_mutex_init(mutex, &attr));
}

LIB void mtx_destroy(mtx_t *mutex)
{
	pthread_mutex_destroy(mutex);
}

LIB int mtx_lock(mtx_t *mutex)
{
	return outcome(pthread_mutex_lock(mutex));
}

LIB int mtx_trylock(mtx_t *mutex)
{
	return outcome(pthread_mutex_trylock(mutex));
}

LIB int mtx_timedlock(mtx_t *mutex, const struct timespec *until)
{
	return outcome(pthread_mutex_timedlock(mutex, until));
}

LIB int mtx_unlock(mtx_t *mutex)
{
	return outcome(pthread_mutex_unlock(mutex));
}

LIB int cnd_init(cnd_t *cond)
{
	return outcome(pthread_cond_init(cond, 0));
}

LIB void cnd_destroy(cnd_t *cond)
{
	pthread_cond_destroy(cond);
}

LIB int cnd_wait(cnd_t *cond, mtx_t *mutex)
{
	return outcome(pthread_cond_wait(cond, mutex));
}

LIB int cnd_timedwait(cnd_t *cond, mtx_t *mutex, const struct timespec *until)
{
	return outcome(pthread_cond_timedwait(cond, mutex, until));
}

LIB int cnd_signal(cnd_t *cond)
{
	return outcome(pthread_cond_signal(cond));
}

LIB int cnd_broadcast(cnd_t *cond)
{
	return outcome(pthread_cond_broadcast(cond));
}

LIB void call_once(once_flag *once, void (*routine)(void))
{
	pthread_once(once, routine);
}

LIB int tss_create(tss_t *key, tss_dtor_t destructor)
{
	return outcome(pthread_key_create(key, destructor));
}

LIB void tss_delete(tss_t key)
{
	pthread_key_delete(key);
}

LIB void *tss_get(tss_t key)
{
	return pthread_getspecific(key);
}

LIB int tss_set(tss_t key, void *value)
{
	return outcome(pthread_setspecific(key, value));
}
