| Kernel threads: the calls of emu/kernel/threads.py, and where a thread begins. A NeXT answers 4 to all of them.

	.include "calls.inc"

	MACH	nextrust_thread_kind, 0x4e5800, 0
	MACH	nextrust_thread_self, 0x4e5801, 0
	MACH	nextrust_thread_spawn, 0x4e5802, 4
	MACH	nextrust_thread_create, 0x4e5803, 0
	MACH	nextrust_thread_set_state, 0x4e5804, 2
	MACH	nextrust_thread_resume, 0x4e5805, 1
	MACH	nextrust_thread_suspend, 0x4e5806, 1
	MACH	nextrust_thread_terminate, 0x4e5807, 1
	MACH	nextrust_thread_end, 0x4e5808, 1
	MACH	nextrust_thread_join, 0x4e5809, 2
	MACH	nextrust_thread_detach, 0x4e580a, 1
	MACH	nextrust_wait_while, 0x4e580b, 2
	MACH	nextrust_acquire, 0x4e580c, 3
	MACH	nextrust_wait_or_timeout, 0x4e580d, 2
	MACH	nextrust_choose_few, 0x4e580e, 1
	MACH	nextrust_assume, 0x4e580f, 1
	MACH	nextrust_fail_of, 0x4e5810, 2
	MACH	nextrust_heap, 0x4e5811, 1
	MACH	nextrust_thread_status, 0x4e5812, 1
	MACH	nextrust_wait_mask, 0x4e5813, 2
	MACH	nextrust_wait_mask_or_timeout, 0x4e5814, 2
	MACH	nextrust_claim, 0x4e5815, 3
	MACH	nextrust_take, 0x4e5816, 1
	MACH	nextrust_wait_alone, 0x4e5817, 1
	MACH	nextrust_thread_get_state, 0x4e5818, 2

| A thread has variables of its own where the program has any (locals.c).
	.weak	__begin_locals
	.macro BEGIN_LOCALS
	LOCAL	none
	move.l	#__begin_locals,%d2
	jeq	none
	movea.l	%d2,%a0
	jsr	(%a0)
none:
	.endm

| A thread begins at one of these: its function in d0, the argument in d1. The functions answer a pointer (pthread.h),
| an int (threads.h) or a pointer for <mach/cthreads.h>.
	.macro BEGIN name, run
	FUNCTION \name
	move.l	%d1,-(%sp)
	move.l	%d0,-(%sp)
	BEGIN_LOCALS
	bsr.l	\run
	illegal
	.endm

	BEGIN	nextrust_pthread_begin, nextrust_pthread_run
	BEGIN	nextrust_thrd_begin, nextrust_thrd_run
	BEGIN	nextrust_cthread_begin, nextrust_cthread_run

| The same for any function of one argument that does not return.
	FUNCTION nextrust_thread_enter
	move.l	%d1,-(%sp)
	movea.l	%d0,%a2
	BEGIN_LOCALS
	jsr	(%a2)
	illegal

| int nextrust_count_bits(int word): how many are set.
	FUNCTION nextrust_count_bits
	move.l	4(%sp),%d1
	moveq	#0,%d0
1:	lsr.l	#1,%d1
	bcc.s	2f
	addq.l	#1,%d0
2:	tst.l	%d1
	bne.s	1b
	rts

| int nextrust_bit_of(int word, int n): the one above n others that are set.
	FUNCTION nextrust_bit_of
	move.l	4(%sp),%d1
1:	move.l	%d1,%d0
	neg.l	%d0
	and.l	%d1,%d0
	subq.l	#1,8(%sp)
	bmi.s	2f
	eor.l	%d0,%d1
	bra.s	1b
2:	rts

| int nextrust_cas(volatile int *at, int old, int new): whether the word was old, and is new.
	FUNCTION nextrust_cas
	movea.l	4(%sp),%a0
	move.l	8(%sp),%d0
	move.l	12(%sp),%d1
	cas.l	%d0,%d1,(%a0)
	seq	%d0
	moveq	#1,%d1
	and.l	%d1,%d0
	rts

| void nextrust_set_bits(volatile int *at, int bits), and its like: one instruction each.
	.macro UPDATE name, operation
	FUNCTION \name
	movea.l	4(%sp),%a0
	move.l	8(%sp),%d0
	\operation	%d0,(%a0)
	rts
	.endm

	UPDATE	nextrust_set_bits, or.l
	UPDATE	nextrust_keep_bits, and.l
	UPDATE	nextrust_add, add.l
