/* Mach's C threads over POSIX's, whose conditions begin with the same word. */
#include "thread_library.h"
#include <mach/cthreads.h>
#include <stdlib.h>

static struct cthread threads[NEXTRUST_SLOTS];

void nextrust_cthread_begin(void);

static void release(mutex_t mutex, const char *misuse)
{
	if (!nextrust_cas(&mutex->owner, own_name(), 0))
		nextrust_misuse(misuse, mutex);
}

LIB void nextrust_cthread_run(cthread_fn_t function, any_t argument)
{
	struct cthread *own = &threads[nextrust_thread_self()];

	/* Of an earlier thread of this slot. */
	if (own->data)
		own->data = 0;
	if (own->name)
		own->name = 0;
	pthread_exit(function(argument));
}

LIB cthread_t cthread_fork(cthread_fn_t function, any_t argument)
{
	int slot = nextrust_thread_spawn(nextrust_cthread_begin, 0, (void *)function, argument);

	return slot < 0 ? NO_CTHREAD : &threads[slot];
}

static pthread_t named(cthread_t thread)
{
	return (pthread_t)(thread - threads) + 1;
}

LIB any_t cthread_join(cthread_t thread)
{
	any_t value = 0;

	pthread_join(named(thread), &value);
	return value;
}

LIB void cthread_detach(cthread_t thread)
{
	pthread_detach(named(thread));
}

LIB void cthread_exit(any_t value)
{
	pthread_exit(value);
}

LIB cthread_t cthread_self(void)
{
	return &threads[nextrust_thread_self()];
}

LIB void cthread_yield(void)
{
	sched_yield();
}

LIB void cthread_set_data(cthread_t thread, any_t data)
{
	thread->data = data;
}

LIB any_t cthread_data(cthread_t thread)
{
	return thread->data;
}

LIB void cthread_set_name(cthread_t thread, const char *name)
{
	thread->name = name;
}

LIB const char *cthread_name(cthread_t thread)
{
	return thread->name ? thread->name : "?";
}

LIB void cthread_init(void)
{
}

LIB mutex_t mutex_alloc(void)
{
	return calloc(1, sizeof(struct mutex));
}

LIB void mutex_init(mutex_t mutex)
{
	if (mutex->owner)
		mutex->owner = 0;
	if (mutex->name)
		mutex->name = 0;
}

LIB void mutex_clear(mutex_t mutex)
{
	if (!nextrust_cas(&mutex->owner, 0, DESTROYED))
		nextrust_misuse("mutex_clear of a mutex that is held, or cleared", mutex);
}

LIB void mutex_free(mutex_t mutex)
{
	mutex_clear(mutex);
	free(mutex);
}

LIB void mutex_lock(mutex_t mutex)
{
	nextrust_acquire(&mutex->owner, 0, own_name());
}

LIB int mutex_try_lock(mutex_t mutex)
{
	return nextrust_cas(&mutex->owner, 0, own_name());
}

LIB void mutex_unlock(mutex_t mutex)
{
	release(mutex, "mutex_unlock of a mutex that the thread does not hold");
}

LIB condition_t condition_alloc(void)
{
	return calloc(1, sizeof(struct condition));
}

LIB void condition_init(condition_t condition)
{
	if (condition->waiting)
		condition->waiting = 0;
	if (condition->name)
		condition->name = 0;
}

LIB void condition_clear(condition_t condition)
{
	if (!nextrust_cas(&condition->waiting, 0, DESTROYED))
		nextrust_misuse("condition_clear of a condition that a thread waits for, or that is cleared", condition);
}

LIB void condition_free(condition_t condition)
{
	condition_clear(condition);
	free(condition);
}

LIB void condition_wait(condition_t condition, mutex_t mutex)
{
	int own = 1 << nextrust_thread_self();

	nextrust_set_bits(&condition->waiting, own);
	release(mutex, "condition_wait with a mutex that the thread does not hold");
	nextrust_wait_mask(&condition->waiting, own);
	mutex_lock(mutex);
}

LIB void condition_signal(condition_t condition)
{
	pthread_cond_signal((pthread_cond_t *)condition);
}

LIB void condition_broadcast(condition_t condition)
{
	condition->waiting = 0;
}

LIB void spin_lock_init(spin_lock_t *lock)
{
	if (*lock)
		*lock = 0;
}

LIB void spin_lock(spin_lock_t *lock)
{
	nextrust_acquire(lock, 0, own_name());
}

LIB int spin_try_lock(spin_lock_t *lock)
{
	return nextrust_cas(lock, 0, own_name());
}

LIB void spin_unlock(spin_lock_t *lock)
{
	if (!nextrust_cas(lock, own_name(), 0))
		nextrust_misuse("spin_unlock of a lock that the thread does not hold", lock);
}
