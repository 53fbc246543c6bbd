/* K. M. Chandy, J. Misra, The drinking philosophers problem, ACM TOPLAS 6(4), 1984: a fork that was used is dirty, and
   its holder gives it to who asks. Broken: all forks are clean at the start, each at one hand of everybody. */
#include "classic.h"

enum { N = 3 };
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int holder[N], dirty[N], eats[N];

/* The fork is mine, or is given to me, as nobody eats with it and it is dirty. */
static int has(int me, int fork)
{
	if (holder[fork] == me)
		return 1;
	if (!dirty[fork] || eats[holder[fork]])
		return 0;
	holder[fork] = me;
	dirty[fork] = 0;
	return 1;
}

static void *run(void *argument)
{
	int me = (int)argument, left = me, right = (me + 1) % N;

	pthread_mutex_lock(&mutex);
	for (;;) {
		int has_left = has(me, left), has_right = has(me, right);

		if (has_left && has_right)
			break;
		pthread_cond_wait(&changed, &mutex);
	}
	eats[me] = 1;
	pthread_mutex_unlock(&mutex);
	pthread_mutex_lock(&mutex);
	eats[me] = 0;
	dirty[left] = dirty[right] = 1;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&mutex);
	return 0;
}

int main(void)
{
	for (int fork = 0; fork < N; fork++) {
		holder[fork] = fork;
		dirty[fork] = 1;
	}
	if (BROKEN)
		dirty[0] = dirty[1] = dirty[2] = 0;
	else
		holder[N - 1] = 1;
	together(N, run);
	return 0;
}
