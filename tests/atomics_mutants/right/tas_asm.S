| A part of the interface in assembly: 4-byte add, load, store and compare-and-swap under one tas lock.

	.text

acquire:
	tas	held
	bmi.s	acquire
	rts

	.globl	__sync_fetch_and_add_4
__sync_fetch_and_add_4:
	bsr.s	acquire
	move.l	4(%sp),%a0
	move.l	(%a0),%d0
	move.l	8(%sp),%d1
	add.l	%d1,(%a0)
	clr.b	held
	rts

	.globl	__atomic_load_4
__atomic_load_4:
	bsr.s	acquire
	move.l	4(%sp),%a0
	move.l	(%a0),%d0
	clr.b	held
	rts

	.globl	__atomic_store_4
__atomic_store_4:
	bsr.s	acquire
	move.l	4(%sp),%a0
	move.l	8(%sp),(%a0)
	clr.b	held
	rts

	.globl	__sync_val_compare_and_swap_4
__sync_val_compare_and_swap_4:
	bsr.s	acquire
	move.l	4(%sp),%a0
	move.l	(%a0),%d0
	cmp.l	8(%sp),%d0
	bne.s	1f
	move.l	12(%sp),(%a0)
1:	clr.b	held
	rts

	.globl	__sync_bool_compare_and_swap_4
__sync_bool_compare_and_swap_4:
	move.l	12(%sp),-(%sp)
	move.l	12(%sp),-(%sp)
	move.l	12(%sp),-(%sp)
	bsr.s	__sync_val_compare_and_swap_4
	lea	12(%sp),%sp
	cmp.l	8(%sp),%d0
	seq	%d0
	neg.b	%d0
	rts

	.bss
held:	.skip	1
