/* Every value is stored before it is printed, so that the FPU's 80-bit registers do not show. The values printed in hex
   are IEEE 754's, correctly rounded twice at most. */
#include <stdio.h>
#include <math.h>

static void show(const char *what, volatile double x)
{
	union { double d; unsigned long long u; } bits;

	bits.d = x;
	printf("%s %016llx\n", what, bits.u);
}

static volatile double one = 1.0, three = 3.0, tenth = 0.1, minus = -2.5, large = 1e15;
static volatile float third = 1.0f / 3.0f;

static double __attribute__((noinline)) keep(double x, int n)
{
	double a = x + 1, b = x + 2, c = x + 3, d = x + 4, e = x + 5, f = x + 6;

	if (n)
		a += keep(x * 2, n - 1);
	return a + b * 2 + c * 4 + d * 8 + e * 16 + f * 32;
}

int main(void)
{
	int i;
	volatile double sum = 0, r;

	show("1/3", one / three);
	show("0.1+0.2", tenth + 0.2);
	show("0.1*3", tenth * three);
	show("-2.5-0.1", minus - tenth);
	show("sqrt 2", sqrt(one + one));
	show("fabs", fabs(minus));
	show("floor", floor(minus));
	show("ceil", ceil(minus));
	show("float", third);
	show("to float", (float)tenth);
	for (i = 1; i <= 100; i++) {
		r = one / i;
		sum += r;
	}
	show("harmonic", sum);
	printf("truncated %d %d %d\n", (int)minus, (int)2.999, (int)(large / 1e9));
	printf("long long %lld %llu\n", (long long)large * -3, (unsigned long long)(large * 1000));
	show("from long long", (double)9007199254740993ll);
	show("from unsigned", (double)4294967295u);
	printf("compare %d%d%d%d%d%d\n", one < three, one > three, minus <= minus, tenth == 0.1, one != one, minus >= one);
	show("keep", keep(0.5, 5));
	printf("%.3f %.10f %g %e\n", 3.14159, tenth, 1e10, 12345.678);
	return (int)sum;
}
