"""Names of UNIX calls and Mach traps by number, for those that are served and for those that are only named.

Boundary: names. What a call does is in the tables of ``unix`` and ``mach``.

Sources: 4.3BSD ``syscalls.c`` and NeXT's additions (151 to 180) for UNIX; NeXT's ``mach_trap_table`` and Darwin 0.3's
``<mach/syscall_sw.h>`` for Mach. ``#`` before a UNIX name marks a number that NeXT's kernel answers with SIGSYS.
"""

from __future__ import annotations

__all__ = ["MACH_TRAPS", "UNIX_CALLS", "mach_name", "unix_name"]

_UNIX = """
    indir exit fork read write open close wait4 creat link
    unlink execv chdir #otime mknod chmod chown obreak #ostat lseek
    getpid #omount #oumount #osetuid getuid #ostime ptrace #oalarm #ofstat #opause
    #outime #ostty #ogtty access #onice #oftime sync kill stat #osetpgrp
    lstat dup pipe #otimes profil #45 #osetgid getgid #ossig #49
    #50 acct #52 #53 ioctl reboot #ompxchan symlink readlink execve
    umask chroot fstat #63 getpagesize mremap vfork ovread ovwrite sbrk
    sstk mmap ovadvise munmap mprotect madvise vhangup #ovlimit mincore getgroups
    setgroups getpgrp setpgrp setitimer wait swapon getitimer gethostname sethostname getdtablesize
    dup2 getdopt fcntl select setdopt fsync setpriority socket connect accept
    getpriority send recv sigreturn bind setsockopt listen #ovtimes sigvec sigblock
    sigsetmask sigpause sigstack recvmsg sendmsg #115 gettimeofday getrusage getsockopt #119
    readv writev settimeofday fchown fchmod recvfrom setreuid setregid rename truncate
    ftruncate flock #132 sendto shutdown socketpair mkdir rmdir utimes sigcleanup
    adjtime getpeername gethostid #sethostid getrlimit setrlimit killpg #147 oldquota oldqquota
    getsockname machparam #152 #153 #154 nfs_svc getdirentries statfs fstatfs unmount
    async_daemon getfh getdomainname setdomainname #164 quotactl exportfs mount ustat #169
    table wait3 rpause #173 getdents #175 #176 #177 #178 #179
    #180
    """

UNIX_CALLS: tuple[str, ...] = tuple(_UNIX.split())
"""The UNIX call of each number from 0."""

MACH_TRAPS: dict[int, str] = {
    10: "task_self",
    11: "thread_reply",
    12: "task_notify",
    13: "thread_self",
    14: "msg_send_old",
    15: "msg_receive_old",
    16: "msg_rpc_old",
    20: "msg_send_trap",
    21: "msg_receive_trap",
    22: "msg_rpc_trap",
    24: "mach_msg_simple_trap",
    25: "mach_msg_trap",
    26: "mach_reply_port",
    27: "mach_thread_self",
    28: "mach_task_self",
    29: "mach_host_self",
    32: "mach_msg_overwrite_trap",
    33: "task_by_pid",
    40: "mach_swapon",
    41: "init_process",
    42: "ctimes",
    43: "map_fd",
    45: "mach_swapon",
    51: "kern_timestamp",
    55: "host_self",
    56: "host_priv_self",
    59: "swtch_pri",
    60: "swtch",
    61: "thread_switch",
    68: "trap_68",
    69: "trap_69",
}


def unix_name(number: int) -> str:
    """The call's name; ``nosys`` for a number that no release has."""
    if 0 <= number < len(UNIX_CALLS):
        name = UNIX_CALLS[number]
        return "nosys" if name[1:].isdigit() else name.lstrip("#")
    return "nosys"


def mach_name(number: int) -> str:
    """The trap's name; ``kern_invalid`` for a hole in the kernel's table."""
    return MACH_TRAPS.get(number, "kern_invalid")
