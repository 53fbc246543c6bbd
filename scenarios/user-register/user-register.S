| The status is 0 where every value came back.
	.text
	.globl	main
main:	move.l	#0x12345678,%d0
	moveq	#0,%d1
	trap	#6
	cmpi.l	#0x12345678,%d0		| trap #6 leaves d0
	jne	wrong
	moveq	#20,%d0			| getpid
	trap	#4
	moveq	#10,%d0			| task_self
	trap	#3
	trap	#2			| cache flush
	moveq	#-1,%d0
	trap	#5
	cmpi.l	#0x12345678,%d0
	jne	wrong
	moveq	#0,%d0
	trap	#6
	moveq	#-1,%d0
	trap	#5
	rts
wrong:	moveq	#99,%d0
	rts
