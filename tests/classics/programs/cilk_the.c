/* The THE protocol: M. Frigo, C. E. Leiserson, K. H. Randall, The implementation of the Cilk-5 multithreaded language,
   PLDI 1998, after Dijkstra's mutual exclusion: owner and thief move their end first and look then.
   Broken: the owner looks first and moves then. */
#include "classic.h"

static volatile int head, tail, done[2];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int popped(void)
{
	int at = tail - 1;

	if (BROKEN) {
		if (head > at)
			return -1;
		tail = at;
		return at;
	}
	tail = at;
	if (head > at) {
		tail = at + 1;
		pthread_mutex_lock(&lock);
		tail = at;
		if (head > at) {
			tail = at + 1;
			pthread_mutex_unlock(&lock);
			return -1;
		}
		pthread_mutex_unlock(&lock);
	}
	return at;
}

static int stolen(void)
{
	pthread_mutex_lock(&lock);
	int at = head;

	head = at + 1;
	if (at + 1 > tail) {
		head = at;
		at = -1;
	}
	pthread_mutex_unlock(&lock);
	return at;
}

static void *run(void *argument)
{
	for (int turn = 0; turn < 2; turn++) {
		int piece = (int)argument == 0 ? popped() : stolen();

		if (piece >= 0) {
			assert(!done[piece]);
			done[piece] = 1;
		}
	}
	return 0;
}

int main(void)
{
	tail = 2;
	together(2, run);
	assert(done[0] + done[1] == 2);
	return 0;
}
