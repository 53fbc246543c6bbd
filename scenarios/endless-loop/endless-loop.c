#include <unistd.h>

int main(void)
{
	volatile unsigned n = 0;

	write(1, "looping\n", 8);
	for (;;)
		n++;
}
