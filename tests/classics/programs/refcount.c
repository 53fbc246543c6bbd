/* References that are counted: G. E. Collins, A method for overlapping and erasure of lists, CACM 3(12), 1960; the last
   to let go gives the object up. Broken: the count is lowered, and read again to see who was last. */
#include <stdatomic.h>
#include "classic.h"

static atomic_int references = 2, freed;

static void *run(void *argument)
{
	(void)argument;
#if BROKEN
	atomic_fetch_sub(&references, 1);
	if (references == 0)
#else
	if (atomic_fetch_sub(&references, 1) == 1)
#endif
		assert(atomic_fetch_add(&freed, 1) == 0);
	return 0;
}

int main(void)
{
	together(2, run);
	assert(freed == 1);
	return 0;
}
