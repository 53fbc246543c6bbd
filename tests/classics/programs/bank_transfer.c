/* Transfers between accounts, and one who adds them up: K. P. Eswaran et al., The notions of consistency and predicate
   locks in a database system, CACM 19(11), 1976. Broken: who adds up holds one lock at a time (no two-phase locking). */
#include "classic.h"

static pthread_mutex_t mutex[2] = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER};
static volatile int account[2] = {5, 5};

static void transfer(int from, int to)
{
	pthread_mutex_lock(&mutex[0]);
	pthread_mutex_lock(&mutex[1]);
	account[from] = account[from] - 1;
	account[to] = account[to] + 1;
	pthread_mutex_unlock(&mutex[1]);
	pthread_mutex_unlock(&mutex[0]);
}

static int sum(void)
{
	int sum;

	pthread_mutex_lock(&mutex[0]);
	sum = account[0];
	if (BROKEN)
		pthread_mutex_unlock(&mutex[0]);
	pthread_mutex_lock(&mutex[1]);
	sum += account[1];
	pthread_mutex_unlock(&mutex[1]);
	if (!BROKEN)
		pthread_mutex_unlock(&mutex[0]);
	return sum;
}

static void *run(void *argument)
{
	int me = (int)argument;

	if (me < 2)
		transfer(me, 1 - me);
	else
		assert(sum() == 10);
	return 0;
}

int main(void)
{
	together(3, run);
	return 0;
}
