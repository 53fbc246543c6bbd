| On Linux this is write(1, text, 6).
	.text
	.globl	main
main:	moveq	#4,%d0
	moveq	#1,%d1
	move.l	#text,%d2
	moveq	#6,%d3
	trap	#0
	moveq	#0,%d0
	rts

	.data
text:	.ascii	"wrong\n"
