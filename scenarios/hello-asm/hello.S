| write and exit by trap #4, arguments in d1.., as NeXT's stubs pass them. Carry after the call means an error.
	.text
	.globl	main
main:	moveq	#4,%d0
	moveq	#1,%d1
	lea	text,%a0
	move.l	%a0,%d2
	move.l	#end-text,%d3
	trap	#4
	jcs	failed
	cmp.l	#end-text,%d0
	jne	failed
	moveq	#1,%d0
	moveq	#7,%d1
	trap	#4
failed:	moveq	#1,%d0
	moveq	#99,%d1
	trap	#4

	.data
text:	.ascii	"Hello from assembly\n"
end:
