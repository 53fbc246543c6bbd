/* A structure of 40 bytes as an argument: what the function writes to it stays the function's own. */
struct ten {
	int v[10];
};

static int __attribute__((noinline)) change(struct ten s, int at)
{
	for (int i = 0; i < at; i++)
		s.v[i + 1] += s.v[i];
	return s.v[at];
}

int main(void)
{
	volatile int at = 3;
	struct ten s = {{at - 2, 2, 3, 4, 5, 6, 7, 8, 9, 10}};
	int first = change(s, at);

	return first == 10 && change(s, at) == 10 ? 0 : 1;
}
