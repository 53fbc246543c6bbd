#include <unistd.h>

static volatile int depth;

static int __attribute__((noinline)) deeper(int n)
{
	volatile int here[64];

	depth++;
	here[n & 63] = n;
	return deeper(n + 1) + here[n & 63];
}

int main(void)
{
	write(1, "before\n", 7);
	return deeper(0);
}
