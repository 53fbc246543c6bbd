#ifndef _SYS_IOCTL_H
#define _SYS_IOCTL_H
struct sgttyb { char sg_ispeed, sg_ospeed, sg_erase, sg_kill; short sg_flags; };
#define TIOCGETP 0x40067408 /* _IOR('t', 8, struct sgttyb) */
int ioctl(int fd, unsigned long request, ...);
#endif
