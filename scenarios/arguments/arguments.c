/* Prints what the program was given. The exit status is above 127: only its low 8 bits are kept, unsigned. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv, char **envp)
{
	char buffer[64];
	int i, n, total = 0;

	printf("argc %d\n", argc);
	for (i = 1; i < argc; i++)
		printf("argv[%d] <%s>\n", i, argv[i]);
	printf("argv[argc] %s\n", argv[argc] ? "not null" : "null");
	printf("NAME <%s>\n", getenv("NAME"));
	printf("EMPTY <%s>\n", getenv("EMPTY"));
	printf("OTHER %s\n", getenv("OTHER") ? "there" : "not there");
	printf("envp is environ: %d\n", envp == environ);
	while ((n = read(0, buffer, 7)) > 0) {
		printf("read %d\n", n);
		total += n;
	}
	printf("end %d after %d\n", n, total);
	write(2, "to stderr\n", 10);
	exit(200 + 256);
}
