#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/resource.h>
#include <unistd.h>

static void fails(const char *what, int result)
{
	printf("%s: %d %d\n", what, result, errno);
	errno = 0;
}

int main(void)
{
	char name[300], buffer[16];
	struct sgttyb tty;
	struct rlimit limit;
	int fd, ends[2];

	errno = 0;
	fails("open missing", open("/missing", O_RDONLY));
	fails("open through a file", open("/plain/below", O_RDONLY));
	fails("open directory to write", open("/full", O_WRONLY));
	fails("create what is there", open("/plain", O_WRONLY | O_CREAT | O_EXCL, 0644));
	fails("open null", open((char *)0, O_RDONLY));
	memset(name, 'n', sizeof name - 1);
	name[sizeof name - 1] = 0;
	fails("name too long", open(name, O_RDONLY));
	fails("read bad descriptor", read(77, buffer, 1));
	fails("close bad descriptor", close(-1));
	fd = open("/plain", O_RDONLY);
	fails("write to a reader", write(fd, "x", 1));
	fails("read into nothing", read(fd, (void *)0, 4));
	fails("seek oddly", lseek(fd, 0, 9));
	fails("not a terminal", ioctl(fd, TIOCGETP, &tty));
	pipe(ends);
	fails("seek a pipe", lseek(ends[0], 0, SEEK_SET));
	fails("mkdir there", mkdir("/full", 0755));
	fails("rmdir full", rmdir("/full"));
	fails("rmdir file", rmdir("/plain"));
	fails("unlink missing", unlink("/missing"));
	fails("rename missing", rename("/missing", "/other"));
	fails("chdir to a file", chdir("/plain"));
	fails("kill nobody", kill(31999, 0));
	fails("kill oddly", kill(getpid(), 99));
	fails("catch SIGKILL", sigvec(SIGKILL, &(struct sigvec){SIG_IGN, 0, 0}, 0));
	fails("getrlimit oddly", getrlimit(99, &limit));
	fails("dup2 too high", dup2(fd, 100000));
	errno = 42;
	printf("success: %d %d\n", write(1, "", 0), errno);
	return 0;
}
