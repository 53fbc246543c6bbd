/* E. W. Dijkstra, Hierarchical ordering of sequential processes, Acta Informatica 1, 1971: each takes the fork of lower
   number first. Broken: each takes his left one first. */
#include "classic.h"

enum { N = 3 };
static pthread_mutex_t fork[N];

static void *run(void *argument)
{
	int me = (int)argument, left = me, right = (me + 1) % N;
	int first = left < right || BROKEN ? left : right;

	pthread_mutex_lock(&fork[first]);
	pthread_mutex_lock(&fork[left + right - first]);
	pthread_mutex_unlock(&fork[left + right - first]);
	pthread_mutex_unlock(&fork[first]);
	return 0;
}

int main(void)
{
	together(N, run);
	return 0;
}
