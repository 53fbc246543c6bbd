/* setjmp and longjmp: from deep calls, nested, values, loops by jumping; registers and volatile locals preserved. */
#include "out.h"
#include <setjmp.h>

static jmp_buf outer, inner;
static int depth_seen;

static NOINLINE int dive(int n, int at) {
    volatile int here = n * 3;
    if (n == at)
        longjmp(inner, n + 100);
    depth_seen = n;
    return dive(n + 1, at) + here;
}
static NOINLINE int parse(const char *s) {
    int total = 0;
    for (; *s; s++) {
        if (*s == '!')
            longjmp(outer, total + 1);
        total = total * 2 + (*s == 'x');
    }
    return total;
}
static NOINLINE int guarded(const char *s) {
    int code = setjmp(outer);
    if (code)
        return -code;
    return parse(s);
}
static NOINLINE int registers(int a, int b, int c, int d) {
    int e = a + b, f = b * c, g = c - d, h = d ^ a;
    jmp_buf buffer;
    volatile int rounds = 0;
    if (setjmp(buffer) < 5) {
        rounds++;
        longjmp(buffer, rounds);
    }
    return ((((((a * 3 + b) * 3 + c) * 3 + d) * 3 + e) * 3 + f) * 3 + g) * 3 + h + rounds * 100000;
}

int main(void) {
    for (int at = 1; at < 40; at += 7) {
        int code = setjmp(inner);
        if (!code)
            dive(0, at);
        put_i32(code), sp(), put_i32(depth_seen), nl();
    }
    put_i32(guarded("xx.x")), sp(), put_i32(guarded("x!x")), sp(), put_i32(guarded("")), sp(), put_i32(guarded("xx..!")), nl();
    volatile int loop = 0;
    if (setjmp(outer) < 9)
        put_i32(loop), sp(), loop += 2, longjmp(outer, loop + 1);
    nl();
    int zero = setjmp(outer);
    if (!zero && loop < 100) {
        loop = 100;
        longjmp(outer, 0);
    }
    say_i32("zero becomes", zero);
    say_i32("registers", registers(11, 22, 33, 44));
    return done(-1);
}
