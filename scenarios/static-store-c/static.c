/* A store to a variable in data. MOVE cannot write through an address relative to the PC on any 680x0. */
static int counter;

static void __attribute__((noinline)) set(int value)
{
	counter = value;
}

int main(void)
{
	volatile int value = 42;

	set(value);
	return *(volatile int *)&counter;
}
