| Conversions between integers and float or double, answering in d0 and d0:d1, where clang looks. libgcc's answer in
| fp0, because GNU C compiled it for the FPU; its additions and comparisons are assembly and answer in d0:d1 already.
| All that libgcc's fpgnulib member defines is here, and strong, so that the member is never drawn in.
| 64-bit integers: an extended number holds all 64 bits, so there is one rounding.

	.include "calls.inc"

	.macro CONVERSION name
	.section .text.\name,"ax",@progbits
	.globl	\name
	.type	\name,@function
\name:
	.endm

	.macro DOUBLE_RESULT
	fmove.d	%fp0,-(%sp)
	move.l	(%sp)+,%d0
	move.l	(%sp)+,%d1
	rts
	.endm

	.macro SINGLE_RESULT
	fmove.s	%fp0,%d0
	rts
	.endm

| fp0 = the unsigned 32 bits in d0: those of a signed number, and 2^32 where that came out negative.
	.macro UNSIGNED
	LOCAL done
	fmove.l	%d0,%fp0
	tst.l	%d0
	jpl	done
	fadd.s	#0f4294967296,%fp0
done:
	.endm

| fp0 = 2^32 * the number with the high half at 4(sp) + the unsigned low half at 8(sp).
	.macro WIDE signed
	LOCAL done
	move.l	8(%sp),%d0
	UNSIGNED
	fmove.x	%fp0,%fp1
	move.l	4(%sp),%d0
	.if \signed
	fmove.l	%d0,%fp0
	.else
	UNSIGNED
	.endif
	fmul.s	#0f4294967296,%fp0
	fadd.x	%fp1,%fp0
	.endm

	CONVERSION __floatsidf
	fmove.l	4(%sp),%fp0
	DOUBLE_RESULT

	CONVERSION __floatsisf
	fmove.l	4(%sp),%fp0
	SINGLE_RESULT

	CONVERSION __floatunsidf
	move.l	4(%sp),%d0
	UNSIGNED
	DOUBLE_RESULT

	CONVERSION __floatunsisf
	move.l	4(%sp),%d0
	UNSIGNED
	SINGLE_RESULT

	CONVERSION __floatdidf
	WIDE	1
	DOUBLE_RESULT

	CONVERSION __floatdisf
	WIDE	1
	SINGLE_RESULT

	CONVERSION __floatundidf
	WIDE	0
	DOUBLE_RESULT

	CONVERSION __floatundisf
	WIDE	0
	SINGLE_RESULT

	CONVERSION __extendsfdf2
	fmove.s	4(%sp),%fp0
	DOUBLE_RESULT

	CONVERSION __truncdfsf2
	fmove.d	4(%sp),%fp0
	SINGLE_RESULT

| To integers: towards zero, which is fpcr bits 5-4 = 1; a number that does not fit saturates.
	.macro TRUNCATE name, size
	CONVERSION \name
	fmove.l	%fpcr,%d1
	moveq	#16,%d0
	fmove.l	%d0,%fpcr
	fmove.\size 4(%sp),%fp0
	fmove.l	%fp0,%d0
	fmove.l	%d1,%fpcr
	rts
	.endm

	TRUNCATE __fixdfsi,d
	TRUNCATE __fixsfsi,s

	CONVERSION __unorddf2
	fmove.d	4(%sp),%fp0
	fcmp.d	12(%sp),%fp0
	fsun	%d0
	extb.l	%d0
	rts

	CONVERSION __unordsf2
	fmove.s	4(%sp),%fp0
	fcmp.s	8(%sp),%fp0
	fsun	%d0
	extb.l	%d0
	rts
