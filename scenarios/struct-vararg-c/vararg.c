/* A structure of one pointer as a variable argument. Who takes the structure for its own address follows one pointer too
   many, and finds the other number. */
#include <stdarg.h>

struct box {
	const int *const *place;
};

static const int other = 42;
static const int right = 7;
static const int *const chain[2] = {(const int *)&other, &right};

static int __attribute__((noinline)) take(int count, ...)
{
	va_list list;
	struct box got;

	va_start(list, count);
	got = va_arg(list, struct box);
	va_end(list);
	return *got.place == &other;
}

int main(void)
{
	struct box given = {chain};

	if (take(1, given))
		return 0;
	return 42 + (right - 7);
}
