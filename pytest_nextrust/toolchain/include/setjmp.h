#ifndef _SETJMP_H
#define _SETJMP_H
/* pc, d2-d7/a2-a6/sp, fp2-fp7, fpcr/fpsr/fpiar, signal mask. _setjmp and _longjmp leave the mask alone. */
typedef int jmp_buf[35];
int setjmp(jmp_buf env) __attribute__((returns_twice));
int _setjmp(jmp_buf env) __attribute__((returns_twice));
void longjmp(jmp_buf env, int value) __attribute__((noreturn));
void _longjmp(jmp_buf env, int value) __attribute__((noreturn));
#endif
