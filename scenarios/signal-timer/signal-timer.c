/* The loop computes the same value however often it is interrupted; the timer fires until it is stopped. */
#include <signal.h>
#include <stdio.h>
#include <sys/time.h>

static volatile int ticks;

static void tick(int number)
{
	(void)number;
	ticks++;
}

static unsigned compute(unsigned n)
{
	unsigned a = 1, b = 2, c = 3, d = 4;

	while (n--) {
		a = a * 1664525 + b;
		b ^= a >> 7;
		c += b * 3 - d;
		d = (d << 5 | d >> 27) ^ c;
	}
	return a ^ b ^ c ^ d;
}

int main(void)
{
	struct itimerval often = {{0, 10000}, {0, 10000}}, never = {{0, 0}, {0, 0}};
	unsigned quiet = compute(200000), disturbed;

	signal(SIGALRM, tick);
	printf("setitimer %d\n", setitimer(ITIMER_REAL, &often, 0));
	while (ticks < 5)
		if ((disturbed = compute(200000)) != quiet) {
			printf("wrong: %x for %x\n", disturbed, quiet);
			return 1;
		}
	setitimer(ITIMER_REAL, &never, 0);
	printf("five ticks, right each time: %x\n", quiet);
	return 0;
}
