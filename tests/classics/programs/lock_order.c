/* Two mutexes taken in one order: J. W. Havender, Avoiding deadlock in multitasking systems, IBM Systems Journal 7(2),
   1968. Broken: the second thread takes them the other way round. */
#include "classic.h"

static pthread_mutex_t mutex[2] = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER};

static void *run(void *argument)
{
	int me = (int)argument, first = BROKEN && me == 1;

	pthread_mutex_lock(&mutex[first]);
	pthread_mutex_lock(&mutex[1 - first]);
	critical_section(me);
	pthread_mutex_unlock(&mutex[1 - first]);
	pthread_mutex_unlock(&mutex[first]);
	return 0;
}

int main(void)
{
	together(2, run);
	return 0;
}
