/* A pointer that is tested and then used: S. Lu et al., Learning from mistakes: a comprehensive study on real world
   concurrency bug characteristics, ASPLOS 2008, figure 1 (MySQL's proc_info).
   Broken: another thread clears it in between, without the lock. */
#include "classic.h"

static int information = 7;
static int *volatile pointer = &information;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void *run(void *argument)
{
	if (!BROKEN)
		pthread_mutex_lock(&mutex);
	if ((int)argument == 0) {
		if (pointer)
			assert(*pointer == 7);
	} else {
		pointer = 0;
	}
	if (!BROKEN)
		pthread_mutex_unlock(&mutex);
	return 0;
}

int main(void)
{
	together(2, run);
	return 0;
}
