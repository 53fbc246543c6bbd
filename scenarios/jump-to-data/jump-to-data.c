#include <unistd.h>

/* moveq #0,d0; rts: would return, were it executed. */
static unsigned short code[2] = {0x7000, 0x4e75};

int main(void)
{
	int (*volatile function)(void) = (int (*)(void))code;

	write(1, "before\n", 7);
	return function();
}
