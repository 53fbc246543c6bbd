/* A barrier that is used again, by a mutex and a condition: D. Lea, Concurrent programming in Java, 1996; POSIX.1-2008,
   pthread_barrier_wait. Broken: no generation is kept, and those who wake look at a count that has begun anew. */
#include "classic.h"

enum { N = 2, ROUNDS = 2 };
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t full = PTHREAD_COND_INITIALIZER;
static int arrived, generation;
static volatile int done[N];

static void barrier(void)
{
	pthread_mutex_lock(&mutex);
	int mine = generation;

	if (++arrived == N) {
		arrived = 0;
		generation++;
		pthread_cond_broadcast(&full);
	}
	while (BROKEN ? arrived != 0 : mine == generation)
		pthread_cond_wait(&full, &mutex);
	pthread_mutex_unlock(&mutex);
}

static void *run(void *argument)
{
	int me = (int)argument;

	for (int round = 1; round <= ROUNDS; round++) {
		done[me] = round;
		barrier();
		for (int other = 0; other < N; other++)
			assert(done[other] >= round);
	}
	return 0;
}

int main(void)
{
	together(N, run);
	return 0;
}
