#ifndef _SYS_TYPES_H
#define _SYS_TYPES_H
/* As 4.3BSD has them: dev_t, uid_t and gid_t are 16 bits wide. Programs of today expect int8_t to int64_t and their like
   here and behind <pthread.h>, which NeXT had not. */
#include <stddef.h>
#include <stdint.h>
typedef unsigned char u_char;
typedef unsigned short u_short;
typedef unsigned int u_int;
typedef unsigned long u_long;
typedef short dev_t;
typedef unsigned long ino_t;
typedef long off_t;
typedef unsigned short uid_t;
typedef unsigned short gid_t;
typedef unsigned short mode_t;
typedef long time_t;
typedef int pid_t;
typedef int ssize_t;
typedef char *caddr_t;
#define FD_SETSIZE 256
typedef struct fd_set { long fds_bits[FD_SETSIZE / 32]; } fd_set;
#define FD_SET(n, p) ((p)->fds_bits[(n) / 32] |= 1UL << ((n) % 32))
#define FD_CLR(n, p) ((p)->fds_bits[(n) / 32] &= ~(1UL << ((n) % 32)))
#define FD_ISSET(n, p) (((p)->fds_bits[(n) / 32] >> ((n) % 32)) & 1)
#define FD_ZERO(p) __builtin_memset((p), 0, sizeof(*(p)))
#endif
