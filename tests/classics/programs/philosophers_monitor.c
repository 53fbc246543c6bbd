/* Both forks or none: E. W. Dijkstra, EWD 310, 1971; A. S. Tanenbaum, Modern operating systems, 1992: who puts his forks
   down looks whether a neighbour can eat now. Broken: he looks after one of the two. */
#include <semaphore.h>
#include "classic.h"

enum { N = 3, THINKING, HUNGRY, EATING };
static int state[N];
static sem_t may_eat[N];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void look_after(int who)
{
	if (state[who] == HUNGRY && state[(who + 1) % N] != EATING && state[(who + N - 1) % N] != EATING) {
		state[who] = EATING;
		sem_post(&may_eat[who]);
	}
}

static void *run(void *argument)
{
	int me = (int)argument;

	pthread_mutex_lock(&mutex);
	state[me] = HUNGRY;
	look_after(me);
	pthread_mutex_unlock(&mutex);
	sem_wait(&may_eat[me]);
	pthread_mutex_lock(&mutex);
	state[me] = THINKING;
	look_after((me + 1) % N);
	if (!BROKEN)
		look_after((me + N - 1) % N);
	pthread_mutex_unlock(&mutex);
	return 0;
}

int main(void)
{
	for (int i = 0; i < N; i++)
		sem_init(&may_eat[i], 0, 0);
	together(N, run);
	return 0;
}
