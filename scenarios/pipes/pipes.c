#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static volatile int broken;

static void on_pipe(int number)
{
	broken = number;
}

int main(void)
{
	int ends[2], copy, n;
	char a[6], b[6], buffer[20];
	struct iovec out[3] = {{"alpha", 5}, {"", 0}, {"beta", 4}}, in[2] = {{a, 5}, {b, 6}};

	printf("pipe %d\n", pipe(ends));
	printf("writev %d\n", writev(ends[1], out, 3));
	memset(b, 0, sizeof b);
	printf("readv %d\n", readv(ends[0], in, 2));
	printf("%.5s %s\n", a, b);
	copy = dup(ends[1]);
	close(ends[1]);
	printf("write %d\n", write(copy, "through the copy", 16));
	printf("dup2 %d\n", dup2(copy, 30));
	close(copy);
	write(30, "!", 1);
	close(30);
	n = read(ends[0], buffer, sizeof buffer);
	printf("read %d %.*s\n", n, n, buffer);
	printf("end of file %d\n", read(ends[0], buffer, sizeof buffer));
	pipe(ends);
	close(ends[0]);
	signal(SIGPIPE, on_pipe);
	n = write(ends[1], "x", 1);
	printf("broken pipe %d %d, signal %d\n", n, errno, broken);
	printf("fcntl %d\n", fcntl(1, F_DUPFD, 20));
	printf("write %d\n", write(20, "by 20\n", 6));
	printf("flags %d\n", fcntl(ends[1], F_GETFL, 0) & 3);
	return 0;
}
