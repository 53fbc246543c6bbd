/* POSIX barriers, spin locks, and what is done once. */
#include "thread_library.h"

enum { COUNT = NEXTRUST_SLOTS, ARRIVED = (1 << COUNT) - 1, RUNNING = 1 << 8, DONE = 1, MOST = 0x7fff };

/* The word of a barrier: how many it is for, and below that a bit for the slot of every thread that has arrived. */
LIB int pthread_barrier_init(pthread_barrier_t *barrier, const pthread_barrierattr_t *attr, unsigned int count)
{
	(void)attr;
	if (!count || count > MOST)
		return EINVAL;
	barrier->waiting = (int)(count << COUNT);
	return 0;
}

LIB int pthread_barrier_destroy(pthread_barrier_t *barrier)
{
	int waiting = barrier->waiting;

	if (waiting == DESTROYED)
		nextrust_misuse("pthread_barrier_destroy of a barrier that is destroyed", barrier);
	if (waiting & ARRIVED || !nextrust_cas(&barrier->waiting, waiting, DESTROYED))
		nextrust_misuse("pthread_barrier_destroy of a barrier that a thread waits at", barrier);
	return 0;
}

LIB int pthread_barrier_wait(pthread_barrier_t *barrier)
{
	int own = 1 << nextrust_thread_self(), waiting, last;

	do {
		waiting = barrier->waiting;
		last = __builtin_popcount((unsigned int)(waiting & ARRIVED)) + 1 == waiting >> COUNT;
	} while (!nextrust_cas(&barrier->waiting, waiting, last ? waiting & ~ARRIVED : waiting | own));
	if (last)
		return PTHREAD_BARRIER_SERIAL_THREAD;
	nextrust_claim(&barrier->waiting, own, 0);
	return 0;
}

LIB int pthread_barrierattr_init(pthread_barrierattr_t *attr)
{
	attr->shared = PTHREAD_PROCESS_PRIVATE;
	return 0;
}

LIB int pthread_barrierattr_destroy(pthread_barrierattr_t *attr)
{
	(void)attr;
	return 0;
}

/* Who waits does not spin: that it may never end is a deadlock as well. */
LIB int pthread_spin_init(pthread_spinlock_t *lock, int shared)
{
	(void)shared;
	if (lock->owner)
		lock->owner = 0;
	return 0;
}

LIB int pthread_spin_destroy(pthread_spinlock_t *lock)
{
	if (!nextrust_cas(&lock->owner, 0, DESTROYED))
		nextrust_misuse("pthread_spin_destroy of a lock that is held, or destroyed", lock);
	return 0;
}

LIB int pthread_spin_lock(pthread_spinlock_t *lock)
{
	nextrust_acquire(&lock->owner, 0, own_name());
	return 0;
}

LIB int pthread_spin_trylock(pthread_spinlock_t *lock)
{
	return nextrust_cas(&lock->owner, 0, own_name()) ? 0 : EBUSY;
}

LIB int pthread_spin_unlock(pthread_spinlock_t *lock)
{
	if (!nextrust_cas(&lock->owner, own_name(), 0))
		nextrust_misuse("pthread_spin_unlock of a lock that the thread does not hold", lock);
	return 0;
}

/* The word: nothing, who runs the routine, or that it has run. */
LIB int pthread_once(pthread_once_t *once, void (*routine)(void))
{
	int running = RUNNING | own_name(), state;

	while ((state = once->state) != DONE) {
		if (!state && nextrust_cas(&once->state, 0, running)) {
			routine();
			once->state = DONE;
		} else if (state)
			nextrust_wait_while(&once->state, state);
	}
	return 0;
}
