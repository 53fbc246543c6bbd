/* At level 0 a word that is needed after a call is kept in the frame. It has two bytes there, next to the caller's frame
 * pointer. */
__attribute__((noinline)) static unsigned short *place(unsigned short *word)
{
	return word + 1;
}

__attribute__((noinline)) static void copy(unsigned short *word)
{
	*place(word) = *word;
}

int main(void)
{
	unsigned short words[2] = {0x1234, 0};

	copy(words);
	return words[1] == 0x1234 ? 66 : 1;
}
