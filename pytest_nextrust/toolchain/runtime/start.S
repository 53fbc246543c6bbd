| Start code and UNIX system calls of a static NeXT executable, as NeXT's crt0.o and libc make them:
| arguments on the stack, number in d0, arguments in d1..d6, trap #4, carry set means d0 is an errno.
| Sources: 4.3BSD syscall numbers (sys/syscall.h) and the stubs in static NeXT executables.
| Names carry no underscore here: it is put in front of them when the ELF file becomes Mach-O.

	.altmacro
	.section .note.GNU-stack,"",@progbits

	.section .text.start,"ax",@progbits
	.globl	start
	.type	start,@function
start:
	movea.l	%sp,%a0
	lea	-12(%sp),%sp
	move.l	(%a0)+,%d0		| argc
	move.l	%a0,%d1			| argv; envp follows its NULL
	lea	4(%a0,%d0.l*4),%a1
	move.l	%d0,(%sp)
	move.l	%d1,4(%sp)
	move.l	%a1,8(%sp)
	move.l	%d0,NXArgc
	move.l	%d1,NXArgv
	move.l	%a1,environ
	lea	__init_array_start,%a2
1:	cmpa.l	#__init_array_end,%a2
	jeq	2f
	movea.l	(%a2)+,%a0
	jsr	(%a0)
	jra	1b
2:	clr.l	errno
	bsr.l	main
	move.l	%d0,(%sp)
	bsr.l	exit
	illegal

	.section .text.cerror,"ax",@progbits
	.globl	cerror
	.type	cerror,@function
cerror:
	move.l	%d0,-(%sp)
	bsr.l	__errno
	move.l	(%sp)+,(%a0)
	moveq	#-1,%d0
	movea.l	%d0,%a0
	rts

| int *__errno(void): the caller's errno. That of the first thread, and of a program on a NeXT, is the variable of this
| name; which slot the caller is in only a kernel says that has kernel threads.
	.section .text.__errno,"ax",@progbits
	.weak	__errno
	.type	__errno,@function
__errno:
	move.l	#0x4e5800,%d0
	trap	#3
	move.l	#errno,%d1
	andi.l	#~1,%d0
	cmpi.l	#0x4e58,%d0
	jne	1f
	move.l	#0x4e5801,%d0
	trap	#3
	tst.l	%d0
	jeq	1f
	move.l	#errnos-4,%d1
	lsl.l	#2,%d0
	add.l	%d0,%d1
1:	move.l	%d1,%d0
	movea.l	%d1,%a0
	rts

	.section .bss.errno,"aw",@nobits
	.balign	4
	.globl	errno
	.type	errno,@object
	.size	errno,4
errno:	.skip	4
	.type	errnos,@object
	.size	errnos,60
errnos:	.skip	60

	.section .bss.environ,"aw",@nobits
	.balign	4
	.globl	NXArgc, NXArgv, environ
	.type	NXArgc,@object
	.type	NXArgv,@object
	.type	environ,@object
	.size	NXArgc,4
	.size	NXArgv,4
	.size	environ,4
NXArgc:	.skip	4
NXArgv:	.skip	4
environ: .skip	4
