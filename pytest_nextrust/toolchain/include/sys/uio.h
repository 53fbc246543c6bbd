#ifndef _SYS_UIO_H
#define _SYS_UIO_H
#include <sys/types.h>
struct iovec { caddr_t iov_base; int iov_len; };
int readv(int fd, const struct iovec *iov, int count);
int writev(int fd, const struct iovec *iov, int count);
#endif
