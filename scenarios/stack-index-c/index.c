/* A variable index into an array on the stack: the store must go to the fourth byte. */
static volatile unsigned index = 3;

static char __attribute__((noinline)) third(const char *p)
{
	return p[3];
}

int main(void)
{
	char bytes[8] = {0};

	bytes[index] = 7;
	return third(bytes);
}
