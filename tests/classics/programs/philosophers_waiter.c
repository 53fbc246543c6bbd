/* All but one may sit down: C. A. R. Hoare, Communicating sequential processes, 1985, 2.5.3, the footman.
   Broken: the footman lets all of them. */
#include <semaphore.h>
#include "classic.h"

enum { N = 3 };
static sem_t seats;
static pthread_mutex_t fork[N];

static void *run(void *argument)
{
	int left = (int)argument, right = (left + 1) % N;

	sem_wait(&seats);
	pthread_mutex_lock(&fork[left]);
	pthread_mutex_lock(&fork[right]);
	pthread_mutex_unlock(&fork[right]);
	pthread_mutex_unlock(&fork[left]);
	sem_post(&seats);
	return 0;
}

int main(void)
{
	sem_init(&seats, 0, BROKEN ? N : N - 1);
	together(N, run);
	return 0;
}
