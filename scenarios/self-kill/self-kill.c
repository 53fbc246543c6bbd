#include <signal.h>
#include <unistd.h>

int main(void)
{
	write(1, "before\n", 7);
	kill(getpid(), SIGTERM);
	write(1, "after\n", 6);
	return 0;
}
