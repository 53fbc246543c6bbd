/* A leader in a ring: E. Chang, R. Roberts, An improved algorithm for decentralized extrema-finding in circular
   configurations of processes, CACM 22(5), 1979: a number goes on while it is larger than that of who has it.
   Broken: every number goes on, and each comes back to its own. */
#include "classic.h"

enum { N = 3, NONE = 0 };
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int queue[N][N + 1], length[N], leaders, ended;

static void send(int to, int number)
{
	queue[to][length[to]++] = number;
	pthread_cond_broadcast(&changed);
}

static int received(int me)
{
	while (length[me] == 0 && !ended)
		pthread_cond_wait(&changed, &mutex);
	if (length[me] == 0)
		return NONE;
	int number = queue[me][0];

	length[me]--;
	for (int i = 0; i < length[me]; i++)
		queue[me][i] = queue[me][i + 1];
	return number;
}

static void *run(void *argument)
{
	static const int numbers[N] = {2, 3, 1};
	int me = (int)argument, mine = numbers[me], next = (me + 1) % N, number;

	pthread_mutex_lock(&mutex);
	send(next, mine);
	while ((number = received(me)) != NONE) {
		if (number == mine) {
			leaders++;
			ended = 1;
			pthread_cond_broadcast(&changed);
		} else if (number > mine || BROKEN) {
			send(next, number);
		}
	}
	pthread_mutex_unlock(&mutex);
	return 0;
}

int main(void)
{
	together(N, run);
	assert(leaders == 1);
	return 0;
}
