/* Each step prints its result, -1 and errno where it failed. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int say(const char *what, int result)
{
	if (result < 0)
		printf("%s: error %d\n", what, errno);
	else
		printf("%s: %d\n", what, result);
	return result;
}

int main(void)
{
	char buffer[32];
	struct stat st;
	int in, out, n;

	umask(022);
	in = say("open in.txt", open("/data/in.txt", O_RDONLY));
	n = say("read", read(in, buffer, sizeof buffer));
	say("read at the end", read(in, buffer + n, 5));
	say("lseek", lseek(in, -4, SEEK_END));
	say("read 2", read(in, buffer + 20, 2));
	printf("%.10s %.2s\n", buffer, buffer + 20);
	say("close", close(in));
	say("chdir", chdir("data"));
	out = say("create", open("new.txt", O_RDWR | O_CREAT | O_EXCL, 0644));
	say("write", write(out, buffer, n));
	say("lseek", lseek(out, 3, SEEK_SET));
	say("write", write(out, "XYZ", 3));
	say("append", open("new.txt", O_WRONLY | O_APPEND));
	say("write", write(out + 1, "\nmore", 5));
	say("fstat", fstat(out, &st));
	printf("size %ld, regular %d, mode %o, links %d\n", st.st_size, S_ISREG(st.st_mode) != 0, st.st_mode & 0777,
	       st.st_nlink);
	say("rename", rename("new.txt", "out.txt"));
	say("stat new.txt", stat("new.txt", &st));
	say("stat out.txt", stat("../data/./out.txt", &st));
	say("mkdir", mkdir("/kept", 0755));
	say("stat /kept", stat("/kept", &st));
	printf("directory %d\n", S_ISDIR(st.st_mode) != 0);
	say("create", open("/kept/soft", O_WRONLY | O_CREAT | O_TRUNC, 0600));
	say("write", write(out + 2, "linked", 6));
	say("ftruncate", ftruncate(out + 2, 4));
	say("link", link("/kept/soft", "/kept/hard"));
	say("stat hard", stat("/kept/hard", &st));
	printf("size %ld, links %d\n", st.st_size, st.st_nlink);
	say("unlink", unlink("/kept/soft"));
	say("unlink again", unlink("/kept/soft"));
	say("mkdir", mkdir("/gone", 0700));
	say("rmdir", rmdir("/gone"));
	say("rmdir full", rmdir("/kept"));
	say("access read", access("out.txt", R_OK));
	say("access none", access("none.txt", F_OK));
	return 0;
}
