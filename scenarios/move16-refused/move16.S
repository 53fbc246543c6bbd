| Copies a line of 16 bytes with MOVE16 and prints it. The address of a line is a multiple of 16.
	.cpu	68040
	.text
	.globl	main
main:	lea	from,%a0
	lea	to,%a1
	move16	(%a0)+,(%a1)+
	moveq	#4,%d0			| write(1, to, 16)
	moveq	#1,%d1
	move.l	#to,%d2
	moveq	#16,%d3
	trap	#4
	moveq	#0,%d0
	rts

	.data
	.balign	16
from:	.ascii	"sixteen bytes..\n"
to:	.fill	16,1,'x'
