| Two threads add to one counter under a lock of their own making: bset finds and sets it in one instruction.

	.section .text
	.globl	nextrust_thread_0, nextrust_thread_1, nextrust_check
	.type	nextrust_thread_0,@function
	.type	nextrust_thread_1,@function
	.type	nextrust_check,@function

nextrust_thread_0:
nextrust_thread_1:
	bset	#7,lock
	jne	nextrust_thread_0
	move.l	counter,%d0
	addq.l	#1,%d0
	move.l	%d0,counter
	bclr	#7,lock
	rts

nextrust_check:
	moveq	#2,%d0
	sub.l	counter,%d0
	rts

	.section .bss
	.type	counter,@object
	.size	counter,4
	.type	lock,@object
	.size	lock,1
counter: .skip	4
lock:	.skip	1
