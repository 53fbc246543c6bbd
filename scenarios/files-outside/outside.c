/* The paths are those of the machine the harness runs on; in the guest's root they are not there. .. of the root is the
   root. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void try(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY);

	printf("%s: %d", path, fd < 0 ? -errno : 0);
	printf(" %d\n", stat(path, &st) < 0 ? -errno : 0);
	if (fd >= 0)
		close(fd);
}

int main(void)
{
	struct stat root, parent;

	try("/inside.txt");
	try("../inside.txt");
	try("/../../inside.txt");
	try("../../../../../../../../etc/passwd");
	try("/etc/passwd");
	try("/dev/mem");
	try("/proc/self/mem");
	try("/bin/sh");
	stat("/", &root);
	stat("/..", &parent);
	printf("same root: %d\n", root.st_ino == parent.st_ino && root.st_dev == parent.st_dev);
	printf("symlink: %d\n", symlink("/etc", "/out") < 0 ? -errno : 0);
	try("/out/passwd");
	printf("create: %d\n", open("/../escaped.txt", O_WRONLY | O_CREAT, 0644) < 0 ? -errno : 0);
	printf("found inside: %d\n", access("/escaped.txt", F_OK));
	printf("unlink: %d\n", unlink("/escaped.txt") < 0 ? -errno : 0);
	return 0;
}
