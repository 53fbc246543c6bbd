/* Values that each thread has of its own, and handlers that run when a thread ends by pthread_exit. A key is never
   given out again, so that no thread has a value of one that is new. */
#include "thread_library.h"

typedef void (*destructor)(void *);

static volatile int keys;
static destructor destructors[PTHREAD_KEYS_MAX];
static void *values[NEXTRUST_SLOTS][PTHREAD_KEYS_MAX];
static struct __cleanup *handlers[NEXTRUST_SLOTS];

LIB int pthread_key_create(pthread_key_t *key, void (*routine)(void *))
{
	int next;

	do {
		next = keys;
		if (next == PTHREAD_KEYS_MAX)
			return EAGAIN;
	} while (!nextrust_cas(&keys, next, next + 1));
	destructors[next] = routine;
	*key = next + 1;
	return 0;
}

static int is_key(pthread_key_t key)
{
	return key > 0 && key <= PTHREAD_KEYS_MAX;
}

LIB int pthread_key_delete(pthread_key_t key)
{
	if (!is_key(key))
		return EINVAL;
	destructors[key - 1] = 0;
	return 0;
}

LIB void *pthread_getspecific(pthread_key_t key)
{
	return is_key(key) ? values[nextrust_thread_self()][key - 1] : 0;
}

LIB int pthread_setspecific(pthread_key_t key, const void *value)
{
	if (!is_key(key))
		return EINVAL;
	values[nextrust_thread_self()][key - 1] = (void *)value;
	return 0;
}

LIB void __cleanup_push(struct __cleanup *own)
{
	int slot = nextrust_thread_self();

	own->before = handlers[slot];
	handlers[slot] = own;
}

LIB void __cleanup_pop(struct __cleanup *own, int run)
{
	handlers[nextrust_thread_self()] = own->before;
	if (run)
		own->routine(own->argument);
}

LIB void __end_keys(void)
{
	int slot = nextrust_thread_self(), rounds, key, any = 1;

	while (handlers[slot])
		__cleanup_pop(handlers[slot], 1);
	for (rounds = 0; any && rounds < PTHREAD_DESTRUCTOR_ITERATIONS; rounds++)
		for (any = key = 0; key < PTHREAD_KEYS_MAX; key++) {
			void *value = values[slot][key];

			if (!value)
				continue;
			values[slot][key] = 0;
			if (destructors[key]) {
				destructors[key](value);
				any = 1;
			}
		}
}
