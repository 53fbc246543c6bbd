#include <setjmp.h>
#include <signal.h>
#include <stdio.h>

static jmp_buf out;
static volatile int zero, caught;

static void handler(int number)
{
	caught = number;
	longjmp(out, 1);
}

int main(void)
{
	volatile int result = 5;

	signal(SIGFPE, handler);
	if (!setjmp(out))
		result = 7 / zero;
	printf("caught %d, result %d, mask %x\n", caught, result, sigblock(0));
	signal(SIGFPE, SIG_DFL);
	return 7 / zero;
}
