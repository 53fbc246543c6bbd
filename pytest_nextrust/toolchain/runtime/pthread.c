/* POSIX threads over kernel threads: making, joining and ending them. */
#include "thread_library.h"
#include <mach/mach.h>
#include <stdlib.h>

/* Of keys.c, where the program has keys or clean-up handlers. */
extern void __end_keys(void) __attribute__((weak));
void nextrust_pthread_begin(void);

/* When main ends by this, the program ends with status 0 after its last thread. */
LIB void pthread_exit(void *value)
{
	int slot = nextrust_thread_self();

	if (__end_keys)
		__end_keys();
	if (!slot) {
		nextrust_wait_alone(slot);
		exit(0);
	}
	nextrust_thread_end(value);
}

LIB void nextrust_pthread_run(void *(*start)(void *), void *argument)
{
	void *value = start(argument);

	if (__end_keys)
		__end_keys();
	nextrust_thread_end(value);
}

LIB int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *), void *argument)
{
	int slot = nextrust_thread_spawn(nextrust_pthread_begin, 0, (void *)start, argument);

	if (slot < 0)
		return EAGAIN;
	if (attr && attr->detached)
		nextrust_thread_detach(slot);
	*thread = slot + 1;
	return 0;
}

static int is_name(pthread_t thread)
{
	return thread > 0 && thread <= NEXTRUST_SLOTS;
}

/* Who joins itself waits for ever. */
LIB int pthread_join(pthread_t thread, void **value)
{
	int error = nextrust_thread_join(thread - 1, value);

	if (!error)
		return 0;
	if (!is_name(thread))
		return ESRCH;
	nextrust_misuse(error == KERN_INVALID_ARGUMENT
				? "pthread_join of a thread that was joined, or ended detached, or never was"
				: "pthread_join of a thread that is detached",
			0);
	return EINVAL;
}

LIB int pthread_detach(pthread_t thread)
{
	int error;

	if (!is_name(thread))
		return ESRCH;
	error = nextrust_thread_detach(thread - 1);
	if (error == KERN_INVALID_ARGUMENT)
		nextrust_misuse("pthread_detach of a thread that was joined, or ended detached, or never was", 0);
	if (error)
		nextrust_misuse("pthread_detach of a thread that is detached", 0);
	return 0;
}

LIB pthread_t pthread_self(void)
{
	return own_name();
}

LIB int pthread_equal(pthread_t one, pthread_t other)
{
	return one == other;
}

LIB int sched_yield(void)
{
	swtch_pri(0);
	return 0;
}

LIB int pthread_yield(void)
{
	return sched_yield();
}

LIB int pthread_attr_init(pthread_attr_t *attr)
{
	attr->detached = PTHREAD_CREATE_JOINABLE;
	attr->stack = 65536;
	return 0;
}

LIB int pthread_attr_destroy(pthread_attr_t *attr)
{
	(void)attr;
	return 0;
}

LIB int pthread_attr_setdetachstate(pthread_attr_t *attr, int detached)
{
	if (detached != PTHREAD_CREATE_JOINABLE && detached != PTHREAD_CREATE_DETACHED)
		return EINVAL;
	attr->detached = detached;
	return 0;
}

LIB int pthread_attr_getdetachstate(const pthread_attr_t *attr, int *detached)
{
	*detached = attr->detached;
	return 0;
}

/* Kept, and without effect: every thread has a stack of the same size. */
LIB int pthread_attr_setstacksize(pthread_attr_t *attr, size_t size)
{
	if (size < PTHREAD_STACK_MIN)
		return EINVAL;
	attr->stack = size;
	return 0;
}

LIB int pthread_attr_getstacksize(const pthread_attr_t *attr, size_t *size)
{
	*size = attr->stack;
	return 0;
}
