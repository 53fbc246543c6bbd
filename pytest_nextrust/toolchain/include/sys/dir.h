#ifndef _SYS_DIR_H
#define _SYS_DIR_H
#include <sys/types.h>
#define MAXNAMLEN 255
struct direct { u_long d_ino; u_short d_reclen; u_short d_namlen; char d_name[MAXNAMLEN + 1]; };
int getdirentries(int fd, char *buf, int nbytes, long *basep);
#endif
