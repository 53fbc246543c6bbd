/* Condition variables of semaphores: A. D. Birrell, Implementing condition variables with semaphores, 2003.
   Broken: who waits is counted after the lock has been given up, and a signal in between finds nobody. */
#include <semaphore.h>
#include "classic.h"

static sem_t lock, sleepers;
static volatile int waiting, ready;

static void wait_for_signal(void)
{
	if (!BROKEN)
		waiting++;
	sem_post(&lock);
	if (BROKEN)
		waiting++;
	sem_wait(&sleepers);
	sem_wait(&lock);
}

static void signal_one(void)
{
	if (waiting > 0) {
		waiting--;
		sem_post(&sleepers);
	}
}

static void *run(void *argument)
{
	sem_wait(&lock);
	if ((int)argument == 0) {
		while (!ready)
			wait_for_signal();
	} else {
		ready = 1;
		signal_one();
	}
	sem_post(&lock);
	return 0;
}

int main(void)
{
	sem_init(&lock, 0, 1);
	sem_init(&sleepers, 0, 0);
	together(2, run);
	return 0;
}
