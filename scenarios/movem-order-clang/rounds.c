/* More values in a loop than there are registers: some are kept in the frame, and reloaded side by side. */
struct ten {
	int v[10];
};

int __attribute__((noinline)) rounds(struct ten s, int n)
{
	int sum = 0;

#pragma clang loop unroll(full)
	for (int i = 0; i < 10; i++)
		s.v[i] ^= n, sum += s.v[i] * (i + 1);
	return n ? sum + rounds(s, n - 1) : sum;
}

int main(void)
{
	struct ten s = {{0, 2, 4, 6, 8, 10, 12, 14, 16, 18}};

	return rounds(s, 3) == 2740 ? 0 : 1;
}
