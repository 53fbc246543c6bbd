/* A loop whose value comes from one of two places. The copy that joins them (move) sets the condition codes; a
   compiler must not put it between the comparison and its branch. The value is 834, of
   which the exit status keeps 66. */
static unsigned __attribute__((noinline)) work(unsigned n)
{
	__asm__ volatile("" : "+d"(n));
	return n + 1;
}

static unsigned __attribute__((noinline)) pick(unsigned n, unsigned other)
{
	unsigned s = 0;

	for (; n < 3; n++) {
		unsigned v = n == 0 ? other : work(n);
		s = s * 10 + work(v);
	}
	return s;
}

int main(void)
{
	volatile unsigned zero = 0, seven = 7;

	return pick(zero, seven) & 255;
}
