/* A loop around cas ends when the object still held what was read before, whatever that was. */
__attribute__((noinline)) static unsigned int add(unsigned int *object, unsigned int value)
{
	return __atomic_fetch_add(object, value, __ATOMIC_SEQ_CST);
}

int main(void)
{
	unsigned int object = 5;
	volatile unsigned int before = add(&object, 6);

	return before == 5 && object == 11 ? 66 : 1;
}
