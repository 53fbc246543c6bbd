/* One variable and one lock that all take: S. Savage et al., Eraser: a dynamic data race detector, ACM TOCS 15(4), 1997.
   Broken: the second thread takes another lock. */
#include "classic.h"

static pthread_mutex_t mutex[2] = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER};
static volatile int counter;

static void *run(void *argument)
{
	pthread_mutex_t *mine = &mutex[BROKEN ? (int)argument : 0];

	pthread_mutex_lock(mine);
	int seen = counter;

	counter = seen + 1;
	pthread_mutex_unlock(mine);
	return 0;
}

int main(void)
{
	together(2, run);
	assert(counter == 2);
	return 0;
}
