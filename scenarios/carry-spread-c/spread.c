/* All ones where the lowest bit is set, else the other number: whatever the carry of what was calculated before. */
static unsigned __attribute__((noinline)) spread(unsigned a, unsigned b)
{
	return (a & 1) ? 0xffffffffu : b;
}

int main(int argc, char **argv)
{
	unsigned even = argc * 6, odd = argc * 7, sum = 0;

	(void)argv;
	for (unsigned n = 0; n < 4; n++) {
		sum += spread(even - 8 * n, n) == n;
		sum += spread(odd - 8 * n, n) == 0xffffffffu;
	}
	return sum == 8 ? 0 : 1;
}
