/* Two who take turns by a condition: Butenhof, 1997: a condition carries no state, and is waited for with one that does.
   Broken: there is only the condition, and a signal that comes before the wait is lost. */
#include "classic.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turned = PTHREAD_COND_INITIALIZER;
static int turn;

static void *run(void *argument)
{
	int me = (int)argument;

	pthread_mutex_lock(&mutex);
	for (int round = 0; round < 2; round++) {
		if (BROKEN) {
			if (me == 1 || round > 0)
				pthread_cond_wait(&turned, &mutex);
		} else {
			while (turn != me)
				pthread_cond_wait(&turned, &mutex);
		}
		turn = 1 - me;
		pthread_cond_signal(&turned);
	}
	pthread_mutex_unlock(&mutex);
	return 0;
}

int main(void)
{
	together(2, run);
	return 0;
}
