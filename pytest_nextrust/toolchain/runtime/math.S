| sqrt, fabs, floor and ceil by the FPU. A double comes back both in fp0, where GNU C for Linux looks, and in d0:d1, where clang and
| NeXT's own compiler look.

	.include "calls.inc"

	FUNCTION sqrt
	fsqrt.d	4(%sp),%fp0
	fmove.d	%fp0,-(%sp)
	move.l	(%sp)+,%d0
	move.l	(%sp)+,%d1
	rts

	FUNCTION fabs
	fmove.d	4(%sp),%fp0
	fabs.x	%fp0
	fmove.d	%fp0,-(%sp)
	move.l	(%sp)+,%d0
	move.l	(%sp)+,%d1
	rts

| The C part works on the argument where it lies.
	.macro IN_PLACE name, worker
	FUNCTION \name
	pea	4(%sp)
	bsr.l	\worker
	addq.l	#4,%sp
	fmove.d	4(%sp),%fp0
	movem.l	4(%sp),%d0-%d1
	rts
	.endm

	IN_PLACE floor,__floor
	IN_PLACE ceil,__ceil
