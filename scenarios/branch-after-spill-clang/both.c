/* At level 0 the value that && has so far is kept in the frame, by a store that must not come between a comparison and
 * its branch. */
__attribute__((noinline)) static int both(int a, int b)
{
	return a == 1 && b == 2;
}

int main(void)
{
	return both(0, 2) ? 1 : 66;
}
