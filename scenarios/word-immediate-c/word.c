/* An address of 0x8000 to 0xffff is a constant like any other. */
static char *__attribute__((noinline)) address(void)
{
	return (char *)0xfffb;
}

int main(void)
{
	char *(*volatile get)(void) = address;

	return (unsigned long)get() == 0xfffb ? 0 : 1;
}
