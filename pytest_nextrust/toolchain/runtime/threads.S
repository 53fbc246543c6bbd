| The main of a concurrent test that brings none: nextrust_setup, every nextrust_thread_N one after the other, and
| nextrust_check, whose answer is the status. It is linked only where the sources have no main; exploration does not
| call it, but through its table the linker keeps the functions that exploration runs side by side.

	.section .note.GNU-stack,"",@progbits

	.weak	nextrust_setup, nextrust_check, nextrust_signal
	.weak	nextrust_thread_1, nextrust_thread_2, nextrust_thread_3, nextrust_thread_4
	.weak	nextrust_thread_5, nextrust_thread_6, nextrust_thread_7

	.section .rodata.nextrust_functions,"a",@progbits
	.balign	4
	.type	nextrust_functions,@object
nextrust_functions:
	.long	nextrust_setup
	.long	nextrust_thread_0, nextrust_thread_1, nextrust_thread_2, nextrust_thread_3
	.long	nextrust_thread_4, nextrust_thread_5, nextrust_thread_6, nextrust_thread_7
	.long	nextrust_check
.Llast:	.long	nextrust_signal
	.size	nextrust_functions,.-nextrust_functions

	.section .text.main,"ax",@progbits
	.globl	main
	.type	main,@function
main:
	move.l	%a2,-(%sp)
	movea.l	#nextrust_functions,%a2
	moveq	#0,%d0
1:	move.l	(%a2)+,%d1
	jeq	2f
	movea.l	%d1,%a0
	moveq	#0,%d0
	jsr	(%a0)
2:	cmpa.l	#.Llast,%a2
	jne	1b
	tst.l	nextrust_functions+36
	jne	3f
	moveq	#0,%d0
3:	movea.l	(%sp)+,%a2
	rts
