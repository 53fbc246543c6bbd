/* The kernel allocates page 0 and takes all rights away, so that the fault is a protection failure. */
#include <unistd.h>

static void __attribute__((noinline)) store(volatile int *where)
{
	*where = 42;
}

int main(void)
{
	write(1, "before\n", 7);
	store((volatile int *)0);
	write(1, "after\n", 6);
	return 0;
}
