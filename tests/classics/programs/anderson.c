/* A lock by an array of flags: T. E. Anderson, The performance of spin lock alternatives for shared-memory
   multiprocessors, IEEE TPDS 1(1), 1990; for three. Broken: the array has fewer places than there are threads. */
#include <stdatomic.h>
#include "classic.h"

enum { N = 3, PLACES = BROKEN ? N - 1 : N };
static atomic_int next, may[PLACES] = {1};

static void *run(void *argument)
{
	int mine = atomic_fetch_add(&next, 1) % PLACES;

	while (!may[mine])
		;
	critical_section((int)argument);
	may[mine] = 0;
	may[(mine + 1) % PLACES] = 1;
	return 0;
}

int main(void)
{
	together(N, run);
	return 0;
}
