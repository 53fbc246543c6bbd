| Sums a table of addresses in data: each is fixed when the program is linked.
	.text
	.globl	main
main:	lea	table,%a0
	moveq	#0,%d0
1:	move.l	(%a0)+,%d1
	jeq	2f
	movea.l	%d1,%a1
	add.l	(%a1),%d0
	jra	1b
2:	rts

	.data
	.balign	4
	.globl	table
table:	.long	five, ten, five, ten, 0
five:	.long	5
ten:	.long	10
