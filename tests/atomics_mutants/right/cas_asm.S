| A part of the interface in assembly, lock-free: 4-byte operations by cas.l, 8-byte ones by cas2.l.

	.text

	.globl	__sync_fetch_and_add_4
__sync_fetch_and_add_4:
	move.l	4(%sp),%a0
	move.l	(%a0),%d0
1:	move.l	%d0,%d1
	add.l	8(%sp),%d1
	cas.l	%d0,%d1,(%a0)
	bne.s	1b
	rts

	.globl	__atomic_load_4
__atomic_load_4:
	move.l	4(%sp),%a0
	move.l	(%a0),%d0
	rts

	.globl	__atomic_store_4
__atomic_store_4:
	move.l	4(%sp),%a0
	move.l	8(%sp),(%a0)
	rts

	.globl	__atomic_load_8
__atomic_load_8:
	move.l	4(%sp),%a0
	lea	4(%a0),%a1
	moveq	#0,%d0
	moveq	#0,%d1
	cas2.l	%d0:%d1,%d0:%d1,(%a0):(%a1)
	rts

	.globl	__sync_val_compare_and_swap_8
__sync_val_compare_and_swap_8:
	movem.l	%d2-%d3,-(%sp)
	move.l	12(%sp),%a0
	lea	4(%a0),%a1
	movem.l	16(%sp),%d0-%d1
	movem.l	24(%sp),%d2-%d3
	cas2.l	%d0:%d1,%d2:%d3,(%a0):(%a1)
	movem.l	(%sp)+,%d2-%d3
	rts
