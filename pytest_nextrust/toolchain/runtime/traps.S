| Mach traps by trap #3, the per-thread user register by #5 and #6, the cache flush by #2.
| Numbers: the absolute values of Mach 2.5's mach/syscall_sw.h, as NeXT's static executables use them.

	.include "calls.inc"

	MACH	task_self,10,0
	MACH	thread_reply,11,0
	MACH	task_notify,12,0
	MACH	thread_self,13,0
	MACH	msg_send,20,4
	MACH	msg_receive,21,5
	MACH	msg_rpc,22,6
	MACH	host_self,55,0
	MACH	swtch_pri,59,1
	MACH	swtch,60,0
	MACH	thread_switch,61,3
	MACH	map_fd,43,5

	FUNCTION ur_cthread_self
	trap	#5
	movea.l	%d0,%a0
	rts

	FUNCTION cthread_set_self
	move.l	4(%sp),%d0
	trap	#6
	rts

	FUNCTION cache_flush
	trap	#2
	rts
