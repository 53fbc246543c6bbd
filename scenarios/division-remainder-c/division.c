/* A quotient that is not in d0, while d0 holds a value that is still needed: the remainder must not go there. */
static unsigned __attribute__((noinline)) mix(unsigned a, unsigned b, unsigned c, unsigned d)
{
	unsigned first = a + b, second = c / d;

	return first * second + a;
}

int main(int argc, char **argv)
{
	(void)argv;
	return mix(argc + 1, argc + 2, argc * 100 + 7, argc + 9) == 52 ? 0 : 1;
}
