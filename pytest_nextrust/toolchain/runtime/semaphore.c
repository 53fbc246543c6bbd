/* POSIX semaphores: the word is the value. */
#include "thread_library.h"
#include <semaphore.h>

static int failed(int error)
{
	errno = error;
	return -1;
}

LIB int sem_init(sem_t *sem, int shared, unsigned int value)
{
	(void)shared;
	if (value > SEM_VALUE_MAX)
		return failed(EINVAL);
	if (sem->value != (int)value)
		sem->value = (int)value;
	return 0;
}

LIB int sem_destroy(sem_t *sem)
{
	(void)sem;
	return 0;
}

LIB int sem_wait(sem_t *sem)
{
	nextrust_take(&sem->value);
	return 0;
}

LIB int sem_trywait(sem_t *sem)
{
	int value;

	do {
		value = sem->value;
		if (!value)
			return failed(EAGAIN);
	} while (!nextrust_cas(&sem->value, value, value - 1));
	return 0;
}

/* The time may come whenever the value is 0. */
LIB int sem_timedwait(sem_t *sem, const struct timespec *until)
{
	int value;

	do {
		value = sem->value;
		if (!value) {
			if (!is_time(until))
				return failed(EINVAL);
			if (nextrust_wait_or_timeout(&sem->value, 0))
				return failed(ETIMEDOUT);
		}
	} while (!value || !nextrust_cas(&sem->value, value, value - 1));
	return 0;
}

LIB int sem_post(sem_t *sem)
{
	nextrust_add(&sem->value, 1);
	return 0;
}

LIB int sem_getvalue(sem_t *sem, int *value)
{
	*value = sem->value;
	return 0;
}
