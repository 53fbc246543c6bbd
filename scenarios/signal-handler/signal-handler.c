#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static volatile int calls, last, in_handler_mask;
static char alternate[8192];

static void handler(int number)
{
	calls++;
	last = number;
	in_handler_mask = sigblock(0);
}

static void on_other_stack(int number)
{
	char here;

	printf("other stack %d, signal %d\n", &here > alternate && &here < alternate + sizeof alternate, number);
}

int main(void)
{
	struct sigvec vec = {handler, sigmask(SIGUSR2), 0}, old;
	struct sigstack stack = {alternate + sizeof alternate, 0};
	int kept = 1234;

	printf("sigvec %d\n", sigvec(SIGUSR1, &vec, &old));
	printf("before %d\n", old.sv_handler == SIG_DFL);
	printf("kill %d\n", kill(getpid(), SIGUSR1));
	printf("calls %d, last %d, kept %d\n", calls, last, kept);
	printf("mask inside %x, outside %x\n", in_handler_mask, sigblock(0));
	sigblock(sigmask(SIGUSR1));
	kill(getpid(), SIGUSR1);
	kill(getpid(), SIGUSR1);
	printf("held back %d\n", calls);
	printf("old mask %x\n", sigsetmask(0));
	printf("delivered once %d\n", calls);
	signal(SIGUSR1, SIG_IGN);
	kill(getpid(), SIGUSR1);
	printf("ignored %d\n", calls);
	sigstack(&stack, 0);
	vec.sv_handler = on_other_stack;
	vec.sv_flags = SV_ONSTACK;
	sigvec(SIGHUP, &vec, 0);
	kill(getpid(), SIGHUP);
	kill(getpid(), SIGWINCH);
	printf("default of SIGWINCH is to be ignored\n");
	return calls;
}
