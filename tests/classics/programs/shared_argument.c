/* Each thread is given its own argument: D. R. Butenhof, Programming with POSIX threads, 1997; POSIX.1-2008.
   Broken: all are given the address of the loop's counter, which has gone on before they read it. */
#include "classic.h"

enum { N = 2 };
static volatile int seen[N + 1];

static void *run(void *argument)
{
	int me = *(volatile int *)argument;

	seen[me] = 1;
	return 0;
}

int main(void)
{
	pthread_t thread[N];
	volatile int number, own[N];

	for (number = 0; number < N; number++) {
		own[number] = number;
		pthread_create(&thread[number], 0, run, BROKEN ? (void *)&number : (void *)&own[number]);
	}
	for (int i = 0; i < N; i++)
		pthread_join(thread[i], 0);
	return seen[0] && seen[1] ? 0 : 1;
}
