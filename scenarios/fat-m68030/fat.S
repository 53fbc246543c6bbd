| Source of both members of fat.macho: built with -DCPU=68030 and -DCPU=68040, subtypes 1 (all 68k) and 2 (68040 only),
| each at a multiple of 8 KB, as NeXT's lipo lays them out. The 68040's member copies its text by MOVE16.
#if CPU == 68040
	.cpu	68040
#endif
	.text
	.globl	main
main:	lea	from,%a0
	lea	to,%a1
#if CPU == 68040
	move16	(%a0)+,(%a1)+
#else
	moveq	#3,%d0
1:	move.l	(%a0)+,(%a1)+
	dbra	%d0,1b
#endif
	moveq	#4,%d0
	moveq	#1,%d1
	move.l	#to,%d2
	moveq	#16,%d3
	trap	#4
	moveq	#0,%d0
	rts

	.data
	.balign	16
#if CPU == 68040
from:	.ascii	"member of 68040\n"
#else
from:	.ascii	"member of 68030\n"
#endif
to:	.fill	16,1,'x'
