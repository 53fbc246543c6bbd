/* Work that is divided in two by threads that make threads: M. E. Conway, A multiprocessor system design, AFIPS 1963.
   Broken: the one half is not joined, and may not be there yet when the sum is made. */
#include "classic.h"

static const int value[4] = {1, 2, 3, 4};
static volatile int sum[4];

static void *half(void *argument)
{
	int first = 2 * (int)argument;
	sum[(int)argument] = value[first] + value[first + 1];
	return 0;
}

static void *whole(void *argument)
{
	pthread_t left;

	pthread_create(&left, 0, half, (void *)0);
	half((void *)1);
	if (!BROKEN)
		pthread_join(left, 0);
	return (void *)(sum[0] + sum[1]);
}

int main(void)
{
	pthread_t thread;
	void *answer;

	pthread_create(&thread, 0, whole, 0);
	pthread_join(thread, &answer);
	return (int)answer == 10 ? 0 : 1;
}
