/* A thread that uses what its maker has yet to store: Lu et al., ASPLOS 2008, figure 5 (Mozilla's mThread).
   Broken: it is stored after the thread has begun. */
#include "classic.h"

struct state { int value; };
static struct state state = {7};
static struct state *volatile shared;

static void *run(void *argument)
{
	(void)argument;
	assert(shared->value == 7);
	return 0;
}

int main(void)
{
	pthread_t thread;

	if (!BROKEN)
		shared = &state;
	pthread_create(&thread, 0, run, 0);
	if (BROKEN)
		shared = &state;
	pthread_join(thread, 0);
	return 0;
}
