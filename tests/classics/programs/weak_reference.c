/* A reference that is taken of an object that may be on its way out: W. Pugh, J. Spacco, 2004; Linux's kref_get_unless_zero.
   Broken: a reference is added without a look whether there is still one. */
#include <stdatomic.h>
#include "classic.h"

static atomic_int references = 1;
static volatile int alive = 1;

static int taken(void)
{
#if BROKEN
	atomic_fetch_add(&references, 1);
	return 1;
#else
	int seen = references;

	while (seen != 0)
		if (atomic_compare_exchange_weak(&references, &seen, seen + 1))
			return 1;
	return 0;
#endif
}

static void let_go(void)
{
	if (atomic_fetch_sub(&references, 1) == 1)
		alive = 0;
}

static void *run(void *argument)
{
	if ((int)argument == 0) {
		let_go();
	} else if (taken()) {
		assert(alive);
		let_go();
	}
	return 0;
}

int main(void)
{
	together(2, run);
	assert(!alive);
	return 0;
}
