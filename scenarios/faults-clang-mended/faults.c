/* The smallest programs of what clang 22 compiles wrongly, as functions: each answers 1 where it is right. */
#include <stdarg.h>
#include <stdio.h>

#define APART __attribute__((noinline))

static unsigned APART quotient(unsigned a, unsigned b, unsigned c, unsigned d)
{
	unsigned first = a + b, second = c / d;

	return first * second + a;
}

struct pair {
	volatile unsigned short first;
	unsigned short second;
} __attribute__((aligned(4)));

static struct pair pair = {0x1234, 0x5678};

static unsigned APART upper(struct pair *p)
{
	return (unsigned)p->first << 16;
}

static char *APART address(void)
{
	return (char *)0xfffb;
}

static unsigned APART spread(unsigned a, unsigned b)
{
	return (a & 1) ? 0xffffffffu : b;
}

static int APART stored(unsigned index)
{
	volatile unsigned char bytes[8] = {0};

	bytes[index] = 7;
	return bytes[0] == 0 && bytes[index] == 7;
}

static int APART work(int n)
{
	return n + 1;
}

static int APART pick(int n, int other)
{
	int sum = 0;

	while (n < 3) {
		int value = n == 0 ? other : work(n);

		sum = sum * 10 + work(value);
		n++;
	}
	return sum;
}

struct three {
	unsigned a, b, c;
};

static struct three APART three(unsigned a)
{
	struct three made = {a, a + 1, a + 2};

	return made;
}

static unsigned counter;

static unsigned APART count(void)
{
	return ++counter;
}

static unsigned APART passed(int number, ...)
{
	va_list list;
	struct three got;

	va_start(list, number);
	got = va_arg(list, struct three);
	va_end(list);
	return got.a + got.b + got.c;
}

static float APART converted(const int *p, const volatile int *q, float *r)
{
	*r = *p;
	return *q;
}

int main(int argc, char **argv)
{
	char *(*volatile get)(void) = address;
	unsigned masks = 0;
	unsigned short codes;
	int integers[2] = {argc + 4, argc + 6};
	float first, second;
	struct three made = three(argc);

	(void)argv;
	for (unsigned n = 0; n < 4; n++) {
		masks += spread(argc * 6 - 8 * n, n) == n;
		masks += spread(argc * 7 - 8 * n, n) == 0xffffffffu;
	}
	second = converted(&integers[0], &integers[1], &first);
	__asm__ volatile("move.w #0x1f,%%ccr\n\tmove.w %%ccr,%0" : "=d"(codes) : : "cc");
	printf("division %d\n", quotient(argc + 1, argc + 2, argc * 100 + 7, argc + 9) == 52);
	printf("volatile half %d\n", upper(&pair) == 0x12340000);
	printf("word immediate %d\n", (unsigned long)get() == 0xfffb);
	printf("cmp, subx %d\n", masks == 8);
	printf("stack index %d\n", stored(argc + 2));
	printf("branch %d\n", pick(argc - 1, 5) == 634);
	printf("structure returned %d\n", made.a == 1 && made.b == 2 && made.c == 3);
	printf("static store %d\n", count() == 1 && count() == 2);
	printf("structure passed %d\n", passed(1, made) == 6);
	printf("floats %d\n", first == 5 && second == 7);
	printf("ccr %d\n", (codes & 0x1f) == 0x1f);
	return 0;
}
