/* Labels as values: a threaded interpreter, an indirect jump table of offsets, gotos into loops. */
#include "out.h"

static NOINLINE i32 run(const i8 *code) {
    static const void *const op[] = {&&halt, &&push, &&add, &&mul, &&dup, &&swap, &&dec, &&jnz, &&drop, &&show};
    i32 stack[16];
    int top = -1;
    i32 t;
#define NEXT goto *op[*code++]
    NEXT;
push: stack[++top] = *code++; NEXT;
add: top--, stack[top] = (i32)((u32)stack[top] + (u32)stack[top + 1]); NEXT;
mul: top--, stack[top] = (i32)((u32)stack[top] * (u32)stack[top + 1]); NEXT;
dup: stack[top + 1] = stack[top], top++; NEXT;
swap: t = stack[top], stack[top] = stack[top - 1], stack[top - 1] = t; NEXT;
dec: stack[top]--; NEXT;
jnz: t = *code++; if (stack[top]) code += t; NEXT;
drop: top--; NEXT;
show: put_i32(stack[top]), sp(); NEXT;
halt: return stack[top];
}
static NOINLINE u32 jumps(u32 n) {
    static const void *const where[4] = {&&a, &&b, &&c, &&d};
    u32 s = 1;
again:
    if (!n--)
        return s;
    goto *where[(s >> 3) & 3];
a: s = s * 3 + 1; goto again;
b: s ^= s >> 2; s += 9; goto again;
c: s = (s << 5) | (s >> 27); goto again;
d: s = ~s * 7; goto again;
}
static NOINLINE int into(int start, int n) {
    int i = 0, s = 0;
    if (start)
        goto middle;
    for (i = 0; i < n; i++) {
        s += i;
    middle:
        s += 100;
        if (s > 1500)
            goto out;
    }
out:
    return s * 16 + i;
}

int main(void) {
    /* 6! by a loop, showing the partial products */
    static const i8 factorial[] = {1, 1, 1, 6, 4, 5, 8, 0};
    static const i8 count[] = {1, 9, 9, 6, 7, -4, 0};
    static const i8 sum[] = {1, 3, 1, 4, 2, 4, 3, 1, -5, 2, 9, 4, 4, 3, 3, 0};
    say_i32("a", run(factorial)), say_i32("b", run(count)), say_i32("c", run(sum));
    for (u32 n = 0; n < 100; n += 9)
        put_hex(jumps(n), 8), sp();
    nl();
    put_i32(into(0, 5)), sp(), put_i32(into(1, 5)), sp(), put_i32(into(0, 50)), sp(), put_i32(into(1, 2)), nl();
    return done(-1);
}
