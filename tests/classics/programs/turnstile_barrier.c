/* A barrier of two turnstiles, to be used again: Downey, 2008, 3.6 and 3.7.
   Broken: there is one turnstile, and a fast thread goes through it a second time in another's place. */
#include <semaphore.h>
#include "classic.h"

enum { N = 2, ROUNDS = 2 };
static sem_t mutex, turnstile[2];
static int count;
static volatile int done[N];

static void phase(int number)
{
	sem_wait(&mutex);
	if (++count == N) {
		count = 0;
		for (int i = 0; i < N; i++)
			sem_post(&turnstile[number]);
	}
	sem_post(&mutex);
	sem_wait(&turnstile[number]);
}

static void *run(void *argument)
{
	int me = (int)argument;

	for (int round = 1; round <= ROUNDS; round++) {
		done[me] = round;
		phase(0);
		for (int other = 0; other < N; other++)
			assert(done[other] >= round);
		if (!BROKEN)
			phase(1);
	}
	return 0;
}

int main(void)
{
	sem_init(&mutex, 0, 1);
	sem_init(&turnstile[0], 0, 0);
	sem_init(&turnstile[1], 0, 0);
	together(N, run);
	return 0;
}
