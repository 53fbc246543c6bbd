/* __sync_bool_compare_and_swap is a bool: 1 or 0, so that its negation can be made by an exclusive or with 1. */
__attribute__((noinline)) static int swap(unsigned char *object, unsigned char old, unsigned char value)
{
	return __sync_bool_compare_and_swap(object, old, value);
}

int main(void)
{
	unsigned char object = 5;
	volatile int answer = swap(&object, 5, 6);

	return answer == 1 && object == 6 ? 66 : 1;
}
