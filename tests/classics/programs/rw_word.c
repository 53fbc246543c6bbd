/* A lock for readers and writers in one word: J. M. Mellor-Crummey, M. L. Scott, Scalable reader-writer synchronization
   for shared-memory multiprocessors, PPoPP 1991. Broken: a writer looks whether nobody is in, and adds itself then. */
#include <stdatomic.h>
#include "classic.h"

enum { WRITER = 1, READER = 2 };
static atomic_int lock;
static volatile int data[2];

static void reads(void)
{
	atomic_fetch_add(&lock, READER);
	while (lock & WRITER)
		;
	int first = data[0];

	assert(data[1] == first);
	atomic_fetch_sub(&lock, READER);
}

static void writes(int value)
{
#if BROKEN
	while (lock != 0)
		;
	atomic_fetch_add(&lock, WRITER);
#else
	int free = 0;

	while (!atomic_compare_exchange_weak(&lock, &free, WRITER))
		free = 0;
#endif
	data[0] = value;
	data[1] = value;
	atomic_fetch_sub(&lock, WRITER);
}

static void *run(void *argument)
{
	int me = (int)argument;

	if (me < 2)
		reads();
	else
		writes(me);
	return 0;
}

int main(void)
{
	together(3, run);
	return 0;
}
