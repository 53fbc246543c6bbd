/* What is printed does not depend on how fast anything is. */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/time.h>

static long since(const struct timeval *a, const struct timeval *b)
{
	return (b->tv_sec - a->tv_sec) * 1000000 + (b->tv_usec - a->tv_usec);
}

int main(void)
{
	struct timeval a, b, c, wait = {1, 500000};
	struct timezone zone;
	struct rusage usage;
	volatile int i;

	printf("gettimeofday %d\n", gettimeofday(&a, &zone));
	printf("microseconds %d\n", a.tv_usec >= 0 && a.tv_usec < 1000000);
	for (i = 0; i < 100000; i++)
		;
	gettimeofday(&b, 0);
	printf("forward %d\n", since(&a, &b) > 0);
	printf("select %d\n", select(0, 0, 0, 0, &wait));
	gettimeofday(&c, 0);
	printf("slept %d\n", since(&b, &c) >= 1500000 && since(&b, &c) < 1600000);
	printf("getrusage %d, used %d\n", getrusage(RUSAGE_SELF, &usage), usage.ru_utime.tv_sec < 2);
	return 0;
}
