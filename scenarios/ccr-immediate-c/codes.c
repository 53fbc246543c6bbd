/* The condition codes set by an immediate, and read back (move from ccr: 68010 and up). */
int main(void)
{
	unsigned short codes;

	__asm__ volatile("move.w #0x1f,%%ccr\n\tmove.w %%ccr,%0" : "=d"(codes) : : "cc");
	return (codes & 0x1f) == 0x1f ? 0 : 1;
}
