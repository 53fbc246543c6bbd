/* A lock that its holder may take again: POSIX's PTHREAD_MUTEX_RECURSIVE by an owner and a depth.
   Broken: an inner unlock gives the lock free. */
#include <stdatomic.h>
#include "classic.h"

static atomic_int owner;
static int depth;

static void lock(int me)
{
	int free = 0;

	if (owner != me)
		while (!atomic_compare_exchange_weak(&owner, &free, me))
			free = 0;
	depth++;
}

static void unlock(void)
{
	if (--depth == 0 || BROKEN)
		owner = 0;
}

static void *run(void *argument)
{
	int me = (int)argument + 1;

	lock(me);
	lock(me);
	critical_section(me);
	unlock();
	critical_section(me);
	unlock();
	return 0;
}

int main(void)
{
	together(2, run);
	return 0;
}
