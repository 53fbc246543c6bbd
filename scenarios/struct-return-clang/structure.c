/* A structure of 12 bytes as a result: the caller hands over where it goes, and takes that argument off the stack. */
struct three {
	int a, b, c;
};

static void __attribute__((noinline)) fill(struct three *p)
{
	p->a = 1;
	p->b = 2;
	p->c = 3;
}

static struct three __attribute__((noinline)) make(void)
{
	struct three made;

	fill(&made);
	return made;
}

int main(void)
{
	struct three s = make();

	return s.a + s.b + s.c == 6 ? 0 : 1;
}
