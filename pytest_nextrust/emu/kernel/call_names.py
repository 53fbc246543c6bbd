"""Names of UNIX calls, Mach traps and messages to the kernel by number, also of those that are not served.

Boundary: names. What a call does is in the tables of ``unix`` and ``mach``.

Sources: 4.3BSD ``syscalls.c`` and NeXT's additions (151 to 180) for UNIX; NeXT's ``mach_trap_table`` and Darwin 0.3's
``<mach/syscall_sw.h>`` for Mach; NeXT's ``mach.defs`` (subsystem mach 2000), in its order, for messages. ``#`` before a
UNIX name marks a number that NeXT's kernel answers with SIGSYS; ``-`` a message id that the kernel itself skips.
"""

from __future__ import annotations

__all__ = [
    "FIRST_MESSAGE",
    "MACH_TRAPS",
    "MESSAGES",
    "THREAD_CALLS",
    "UNIX_CALLS",
    "mach_name",
    "message_name",
    "unix_name",
]

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

_THREADS = """
    thread_kind thread_self thread_spawn thread_create thread_set_state thread_resume thread_suspend thread_terminate
    thread_end thread_join thread_detach wait_while acquire wait_or_timeout choose assume fail heap thread_status
    wait_mask wait_mask_or_timeout claim take wait_alone thread_get_state
    """

THREAD_CALLS: dict[int, str] = {0x4E5800 + at: f"nextrust_{name}" for at, name in enumerate(_THREADS.split())}
"""Calls that no NeXT has: see ``threads``."""

FIRST_MESSAGE = 2000

_MESSAGES = """
    xxx_port_allocate xxx_port_deallocate xxx_port_enable xxx_port_disable xxx_port_select
    xxx_port_set_backlog xxx_port_status task_create task_terminate - - task_threads - - - - thread_terminate - - - -
    vm_allocate vm_allocate_with_pager vm_deallocate vm_protect vm_inherit vm_read vm_write vm_copy vm_region
    vm_statistics task_by_unix_pid - mach_ports_register mach_ports_lookup unix_pid netipc_listen netipc_ignore
    memory_object_data_provided memory_object_data_unavailable memory_object_get_attributes
    vm_set_default_memory_manager - memory_object_lock_request pager_cache - - xxx_host_info xxx_slot_info
    xxx_cpu_control - - netport_init netport_enter netport_remove pager_data_provided_inline
    task_suspend task_resume task_get_special_port task_set_special_port task_info
    thread_create thread_suspend thread_resume thread_abort thread_get_state thread_set_state
    thread_get_special_port thread_set_special_port thread_info - - -
    port_names port_type port_rename port_allocate port_deallocate port_set_backlog port_status
    port_set_allocate port_set_deallocate port_set_add port_set_remove port_set_status
    port_insert_send port_extract_send port_insert_receive port_extract_receive
    vm_map memory_object_data_error memory_object_set_attributes memory_object_destroy
    - - - - - port_set_backup - - vm_synchronize
    """

MESSAGES: dict[int, str] = {FIRST_MESSAGE + at: name for at, name in enumerate(_MESSAGES.split()) if name != "-"}


def unix_name(number: int) -> str:
    """The call's name; ``nosys`` for a number that no release has."""
    if 0 <= number < len(UNIX_CALLS):
        name = UNIX_CALLS[number]
        return "nosys" if name[1:].isdigit() else name.lstrip("#")
    return "nosys"


def mach_name(number: int) -> str:
    """The trap's name; ``kern_invalid`` for a hole in the kernel's table."""
    return MACH_TRAPS.get(number, "kern_invalid")


def message_name(number: int) -> str:
    """The message's name, or ``id NUMBER`` for one without."""
    return MESSAGES.get(number, f"id {number}")
