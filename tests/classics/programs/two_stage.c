/* Two steps that belong together: E. Farchi, Y. Nir, S. Ur, Concurrent bug patterns and how to test them, IPDPS 2003, "two-
   stage access". Broken: either step has the lock, and between them it is given up. */
#include "classic.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static volatile int key, copy;

static void *run(void *argument)
{
	pthread_mutex_lock(&mutex);
	if ((int)argument == 0) {
		key = 1;
		if (BROKEN) {
			pthread_mutex_unlock(&mutex);
			pthread_mutex_lock(&mutex);
		}
		copy = key + 1;
	} else {
		int seen = key;

		assert(seen == 0 || copy == seen + 1);
	}
	pthread_mutex_unlock(&mutex);
	return 0;
}

int main(void)
{
	together(2, run);
	return 0;
}
