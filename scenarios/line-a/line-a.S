	.text
	.globl	main
main:	.short	0xa000			| line A
	moveq	#0,%d0
	rts
