/* A volatile half in an object aligned as the whole: the half that is read is the one that was named. */
struct pair {
	volatile unsigned short first;
	unsigned short second;
} __attribute__((aligned(4)));

struct pair pair = {0x1234, 0x5678};

static unsigned __attribute__((noinline)) upper(struct pair *p)
{
	return (unsigned)p->first << 16;
}

int main(void)
{
	return upper(&pair) == 0x12340000 ? 0 : 1;
}
