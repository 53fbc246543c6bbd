/* Two sources, so that calls and data cross them; pointers in data, so that absolute relocations are applied. */
#include <string.h>
#include <unistd.h>

extern int counter;
extern char zeros[3000];
int bump(int by);

static const char *const words[] = {"one", "two", "three"};

int main(void)
{
	int i;

	for (i = 0; i < 3; i++) {
		write(1, words[i], strlen(words[i]));
		write(1, i < 2 ? " " : "\n", 1);
		bump(i);
	}
	return counter + zeros[2999];
}
