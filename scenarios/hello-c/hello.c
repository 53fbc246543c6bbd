#include <stdio.h>

int main(void)
{
	printf("Hello, %s\n", "NeXT");
	return 0;
}
