| Signal trampoline, setjmp and longjmp.
| Sources: 4.3BSD sigvec(2), and __sigtramp and setjmp as NeXT's libc has them: registers d2-d7/a2-a6/sp, fp2-fp7 and
| the FPU's control registers belong to the caller; the signal mask is part of a jmp_buf.

	.include "calls.inc"

| The kernel enters here with sp -> signal, code, sigcontext; no return address. sigreturn (103) takes the sigcontext
| from 4(sp), not from d1.
	FUNCTION _sigtramp
	movem.l	%d0-%d1/%a0-%a1,-(%sp)
	fmovem.x %fp0-%fp1,-(%sp)
	fmovem.l %fpcr/%fpsr/%fpiar,-(%sp)
	move.l	60(%sp),-(%sp)
	move.l	60(%sp),-(%sp)
	move.l	60(%sp),%d0
	move.l	%d0,-(%sp)
	lea	_sigcatch,%a0
	movea.l	(%a0,%d0.l*4),%a0
	jsr	(%a0)
	lea	12(%sp),%sp
	fmovem.l (%sp)+,%fpcr/%fpsr/%fpiar
	fmovem.x (%sp)+,%fp0-%fp1
	movem.l	(%sp)+,%d0-%d1/%a0-%a1
	addq.l	#4,%sp
	moveq	#103,%d0
	trap	#4
	illegal

	.section .bss._sigcatch,"aw",@nobits
	.balign	4
	.globl	_sigcatch
	.type	_sigcatch,@object
	.size	_sigcatch,132
_sigcatch: .skip 132

| jmp_buf, 35 words: pc, d2-d7/a2-a6/sp (12), fp2-fp7 (18), fpcr/fpsr/fpiar (3), signal mask.
	FUNCTION setjmp
	moveq	#0,%d1
	moveq	#109,%d0
	trap	#4
	movea.l	4(%sp),%a0
	move.l	%d0,136(%a0)
	jra	save

	FUNCTION _setjmp
	movea.l	4(%sp),%a0
save:	move.l	(%sp),(%a0)
	movem.l	%d2-%d7/%a2-%a7,4(%a0)
	fmovem.x %fp2-%fp7,52(%a0)
	fmovem.l %fpcr/%fpsr/%fpiar,124(%a0)
	moveq	#0,%d0
	rts

	FUNCTION longjmp
	movea.l	4(%sp),%a0
	move.l	136(%a0),%d1
	moveq	#110,%d0
	trap	#4
	jra	jump

	FUNCTION _longjmp
jump:	movea.l	4(%sp),%a0
	move.l	8(%sp),%d0
	jne	1f
	moveq	#1,%d0
1:	fmovem.l 124(%a0),%fpcr/%fpsr/%fpiar
	fmovem.x 52(%a0),%fp2-%fp7
	movem.l	4(%a0),%d2-%d7/%a2-%a7
	move.l	(%a0),(%sp)
	rts
