/* What is done at exit, last first: exit calls it where the program has any. */
#include <stdlib.h>

#define LIB __attribute__((weak))

enum { MOST = 32 };

static void (*routines[MOST])(void);
static int count;

LIB int atexit(void (*routine)(void))
{
	if (count == MOST)
		return -1;
	routines[count++] = routine;
	return 0;
}

LIB void __run_at_exit(void)
{
	while (count)
		routines[--count]();
}
