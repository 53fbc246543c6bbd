/* What programs ask of an exploration beyond single calls of the kernel. */
#include <nextrust.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIB __attribute__((weak))

enum { FEW = 16 };

/* By calls of at most FEW each: which group of so many numbers, then which of the group. */
LIB int nextrust_choose(int n)
{
	int group = 1, chosen = 0;

	if (n < 1)
		nextrust_fail("nextrust_choose of no numbers");
	while (n - chosen > FEW) {
		int groups, which;

		for (group = FEW; (n - chosen - 1) / group >= FEW; group *= FEW)
			;
		groups = (n - chosen - 1) / group + 1;
		which = nextrust_choose_few(groups);
		chosen += which * group;
		if (which < groups - 1)
			n = chosen + group;
	}
	return chosen + nextrust_choose_few(n - chosen);
}

/* The kernel ends the run; a NeXT, which does not know the call, goes on. */
LIB void nextrust_misuse(const char *text, const volatile void *object)
{
	nextrust_fail_of(text, object);
	write(STDERR_FILENO, text, (unsigned int)strlen(text));
	write(STDERR_FILENO, "\n", 1);
	abort();
}

LIB void nextrust_fail(const char *text)
{
	nextrust_misuse(text, 0);
}
