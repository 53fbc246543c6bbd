| Fills the preserved registers with a pattern, calls setjmp, destroys them all, longjmps back from a deeper stack and
| looks. The status is 0, or a bit for each kind that is wrong.
	.text
	.globl	main
main:	movem.l	%d2-%d7/%a2-%a6,-(%sp)
	fmovem.x %fp2-%fp7,-(%sp)
	lea	pattern,%a0
	movem.l	(%a0),%d2-%d7/%a2-%a6
	fmove.l	#2,%fp2
	fmove.l	#3,%fp3
	fmove.l	#4,%fp4
	fmove.l	#5,%fp5
	fmove.l	#6,%fp6
	fmove.l	#7,%fp7
	move.l	%sp,stack
	pea	buffer
	bsr.l	setjmp
	addq.l	#4,%sp
	tst.l	%d0
	jne	back
	moveq	#-1,%d1
	move.l	%d1,%d2
	move.l	%d1,%d3
	move.l	%d1,%d4
	move.l	%d1,%d5
	move.l	%d1,%d6
	move.l	%d1,%d7
	movea.l	%d1,%a2
	movea.l	%d1,%a3
	movea.l	%d1,%a4
	movea.l	%d1,%a5
	movea.l	%d1,%a6
	fmove.l	%d1,%fp2
	fmove.l	%d1,%fp3
	fmove.l	%d1,%fp4
	fmove.l	%d1,%fp5
	fmove.l	%d1,%fp6
	fmove.l	%d1,%fp7
	lea	-1000(%sp),%sp
	pea	77
	pea	buffer
	bsr.l	longjmp

back:	moveq	#0,%d1			| what is wrong
	cmpi.l	#77,%d0
	jeq	1f
	bset	#0,%d1
1:	cmpa.l	stack,%sp
	jeq	1f
	bset	#1,%d1
1:	movem.l	%d2-%d7/%a2-%a6,found
	lea	pattern,%a0
	lea	found,%a1
	moveq	#10,%d0
2:	cmpm.l	(%a0)+,(%a1)+
	jeq	3f
	bset	#2,%d1
3:	dbra	%d0,2b
	fcmp.w	#2,%fp2
	fjne	bad
	fcmp.w	#3,%fp3
	fjne	bad
	fcmp.w	#4,%fp4
	fjne	bad
	fcmp.w	#5,%fp5
	fjne	bad
	fcmp.w	#6,%fp6
	fjne	bad
	fcmp.w	#7,%fp7
	fjeq	good
bad:	bset	#3,%d1
good:	move.l	%d1,%d0
	movea.l	stack,%sp
	fmovem.x (%sp)+,%fp2-%fp7
	movem.l	(%sp)+,%d2-%d7/%a2-%a6
	rts

	.data
	.balign	4
pattern:
	.long	0x12121212,0x13131313,0x14141414,0x15151515,0x16161616,0x17171717
	.long	0x22222222,0x23232323,0x24242424,0x25252525,0x26262626
	.bss
	.balign	4
found:	.skip	44
stack:	.skip	4
buffer:	.skip	200
