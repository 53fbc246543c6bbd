#ifndef _UNISTD_H
#define _UNISTD_H
#include <sys/types.h>
#include <fcntl.h>
#define STDIN_FILENO 0
#define STDOUT_FILENO 1
#define STDERR_FILENO 2
#define R_OK 4
#define W_OK 2
#define X_OK 1
#define F_OK 0
#ifndef SEEK_SET
#define SEEK_SET 0
#define SEEK_CUR 1
#define SEEK_END 2
#endif
extern char **environ;
void _exit(int status) __attribute__((noreturn));
int read(int fd, void *buf, unsigned int n);
int write(int fd, const void *buf, unsigned int n);
int close(int fd);
off_t lseek(int fd, off_t offset, int whence);
int link(const char *from, const char *to);
int symlink(const char *target, const char *path);
int readlink(const char *path, char *buf, int size);
int unlink(const char *path);
int rmdir(const char *path);
int rename(const char *from, const char *to);
int chdir(const char *path);
int access(const char *path, int mode);
int truncate(const char *path, off_t length);
int ftruncate(int fd, off_t length);
int fsync(int fd);
int dup(int fd);
int dup2(int from, int to);
int pipe(int fds[2]);
int fork(void);
int getpid(void);
int getppid(void);
int getuid(void);
int geteuid(void);
int getgid(void);
int getegid(void);
int getpagesize(void);
int getdtablesize(void);
int gethostname(char *name, int size);
int getdomainname(char *name, int size);
int isatty(int fd);
unsigned int sleep(unsigned int seconds);
int usleep(unsigned int microseconds);
int syscall(int number, ...);
#endif
