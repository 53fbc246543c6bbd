#ifndef _SYS_STAT_H
#define _SYS_STAT_H
#include <sys/types.h>
/* 60 bytes: st_mode at 6, st_size at 16, st_blksize at 44. */
struct stat {
	dev_t st_dev;
	ino_t st_ino;
	mode_t st_mode;
	short st_nlink;
	uid_t st_uid;
	gid_t st_gid;
	dev_t st_rdev;
	off_t st_size;
	time_t st_atime;
	int st_spare1;
	time_t st_mtime;
	int st_spare2;
	time_t st_ctime;
	int st_spare3;
	long st_blksize;
	long st_blocks;
	long st_spare4[2];
};
_Static_assert(sizeof(struct stat) == 60, "NeXT's struct stat");
#define S_IFMT 0170000
#define S_IFDIR 0040000
#define S_IFCHR 0020000
#define S_IFBLK 0060000
#define S_IFREG 0100000
#define S_IFLNK 0120000
#define S_IFSOCK 0140000
#define S_ISDIR(m) (((m) & S_IFMT) == S_IFDIR)
#define S_ISREG(m) (((m) & S_IFMT) == S_IFREG)
#define S_ISLNK(m) (((m) & S_IFMT) == S_IFLNK)
int stat(const char *path, struct stat *buf);
int lstat(const char *path, struct stat *buf);
int fstat(int fd, struct stat *buf);
int mkdir(const char *path, int mode);
int chmod(const char *path, int mode);
int umask(int mask);
#endif
