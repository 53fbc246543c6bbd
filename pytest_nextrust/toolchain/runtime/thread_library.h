/* What the thread libraries share. A thread's name is its slot and one, so that 0 is nobody. An object is one word that
   threads share, for every access to one is a step that interleaves; what a thread knows of itself is in tables by
   slot, which nobody else touches. */
#include <errno.h>
#include <nextrust.h>
#include <pthread.h>

#define LIB __attribute__((weak))

/* What the word of an object holds that was destroyed: whoever waits for it waits for ever. */
enum { DESTROYED = -1 };

static inline int own_name(void)
{
	return nextrust_thread_self() + 1;
}

static inline int is_time(const struct timespec *time)
{
	return time->tv_nsec >= 0 && time->tv_nsec < 1000000000;
}

/* How often the calling thread holds the object, which this alone counts; see held.c. */
int __held(const volatile void *object);
void __hold(const volatile void *object, int times);
