/* Something that is done once, by whoever comes first, and waited for by all: POSIX's pthread_once.
   Broken: who finds it begun takes it for done. */
#include <stdatomic.h>
#include "classic.h"

enum { NOT_YET, BEGUN, DONE };
static atomic_int state;
static volatile int table, made;

static void once(void)
{
	int expected = NOT_YET;

	if (atomic_compare_exchange_strong(&state, &expected, BEGUN)) {
		made++;
		table = 7;
		state = DONE;
	}
	while (!BROKEN && state != DONE)
		;
}

static void *run(void *argument)
{
	(void)argument;
	once();
	assert(table == 7);
	return 0;
}

int main(void)
{
	together(3, run);
	assert(made == 1);
	return 0;
}
