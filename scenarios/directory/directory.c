#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/dir.h>
#include <unistd.h>

static char names[20][40];

static int order(const void *a, const void *b)
{
	return strcmp(a, b);
}

int main(void)
{
	char buffer[1024];
	long base;
	int fd = open("/", O_RDONLY), n, used = 0, i;

	while ((n = getdirentries(fd, buffer, sizeof buffer, &base)) > 0)
		for (i = 0; i < n;) {
			struct direct *d = (struct direct *)(buffer + i);
			if (strlen(d->d_name) != d->d_namlen || d->d_reclen & 3)
				printf("bad entry %s\n", d->d_name);
			if (d->d_ino)
				strcpy(names[used++], d->d_name);
			i += d->d_reclen;
		}
	printf("end %d\n", n);
	qsort(names, used, sizeof names[0], order);
	for (i = 0; i < used; i++)
		printf("%s\n", names[i]);
	return used;
}
