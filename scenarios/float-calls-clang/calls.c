/* A conversion that becomes a call of the support library, of a value that is read between two of the program's calls. */
__attribute__((noinline)) static void add(int *sum, double x)
{
	*sum += (int)x;
}

__attribute__((noinline)) static void add_both(int *sum, const volatile int *parts)
{
	add(sum, parts[0]);
	add(sum, parts[1]);
}

int main(void)
{
	volatile int parts[2] = {40, 2};
	int sum = 0;

	add_both(&sum, parts);
	return sum;
}
