| sqrt and fabs by the FPU. A double comes back both in fp0, where GNU C for Linux looks, and in d0:d1, where clang and
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
