| write to descriptor 99 fails (carry, errno 9 in d0), write of no bytes to 1 succeeds. N, Z, V and X stay as they were.
| The status is the number of the first check that is wrong, or 0.
	.text
	.globl	main
main:	movem.l	%d2-%d7/%a2-%a6,-(%sp)
	movea.l	#0xa3a3a3a3,%a3
	movea.l	#0xa4a4a4a4,%a4
	move.l	#0xd5d5d5d5,%d5
	move.l	#0xd7d7d7d7,%d7
	moveq	#4,%d0
	moveq	#99,%d1
	move.l	#text,%d2
	moveq	#3,%d3
	move	#0x1e,%ccr		| X N Z V, no carry
	trap	#4
	move	%ccr,%d6
	movea.w	#1,%a2
	cmpi.w	#0x1f,%d6
	jne	wrong
	movea.w	#2,%a2
	cmpi.l	#9,%d0
	jne	wrong
	moveq	#4,%d0
	moveq	#1,%d1
	moveq	#0,%d3
	move	#0x01,%ccr		| carry only
	trap	#4
	move	%ccr,%d6
	movea.w	#3,%a2
	tst.w	%d6
	jne	wrong
	movea.w	#4,%a2
	tst.l	%d0
	jne	wrong
	movea.w	#5,%a2
	cmpi.l	#text,%d2
	jne	wrong
	cmpa.l	#0xa3a3a3a3,%a3
	jne	wrong
	cmpa.l	#0xa4a4a4a4,%a4
	jne	wrong
	cmpi.l	#0xd5d5d5d5,%d5
	jne	wrong
	cmpi.l	#0xd7d7d7d7,%d7
	jne	wrong
	movea.w	#6,%a2
	moveq	#0,%d0			| indirect: the number is in d1, arguments from d2
	moveq	#4,%d1
	moveq	#1,%d2
	move.l	#text,%d3
	moveq	#9,%d4
	trap	#4
	jcs	wrong
	cmpi.l	#9,%d0
	jne	wrong
	suba.l	%a2,%a2
wrong:	move.l	%a2,%d0
	movem.l	(%sp)+,%d2-%d7/%a2-%a6
	rts

	.data
text:	.ascii	"indirect\n"
