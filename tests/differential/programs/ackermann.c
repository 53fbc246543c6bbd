/* Deep and wide recursion: Ackermann, Fibonacci, Collatz, mutual recursion, McCarthy 91, Takeuchi. */
#include "out.h"

static u32 calls;

static NOINLINE u32 ack(u32 m, u32 n) {
    calls++;
    if (!m)
        return n + 1;
    if (!n)
        return ack(m - 1, 1);
    return ack(m - 1, ack(m, n - 1));
}
static NOINLINE u32 fib(u32 n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
static NOINLINE i32 mc91(i32 n) { return n > 100 ? n - 10 : mc91(mc91(n + 11)); }
static NOINLINE i32 tak(i32 x, i32 y, i32 z) {
    calls++;
    return y >= x ? z : tak(tak(x - 1, y, z), tak(y - 1, z, x), tak(z - 1, x, y));
}
static int is_odd(u32 n);
static NOINLINE int is_even(u32 n) { return n ? is_odd(n - 1) : 1; }
static NOINLINE int is_odd(u32 n) { return n ? is_even(n - 1) : 0; }
static NOINLINE u32 collatz(u32 n, u32 depth) { return n == 1 ? depth : collatz(n & 1 ? 3 * n + 1 : n / 2, depth + 1); }
static NOINLINE u32 depth(u32 n, volatile u32 *below) {
    volatile u32 here = n * 2654435761u;
    u32 r = n ? depth(n - 1, &here) : 0;
    return r + (here ^ *below);
}

int main(void) {
    for (u32 m = 0; m < 4; m++)
        for (u32 n = 0; n < (m < 3 ? 8 : 5); n++)
            put_u32(ack(m, n)), sp();
    nl();
    say_u32("calls", calls);
    for (u32 n = 0; n < 21; n++)
        put_u32(fib(n)), sp();
    nl();
    for (i32 n = 80; n < 110; n += 3)
        put_i32(mc91(n)), sp();
    nl();
    calls = 0;
    say_i32("tak", tak(14, 9, 4));
    say_u32("calls", calls);
    put_i32(is_even(1000)), put_i32(is_odd(777)), put_i32(is_even(13)), nl();
    for (u32 n = 1; n < 40; n++)
        put_u32(collatz(n, 0)), sp();
    nl();
    u32 base = 17;
    say_hex("depth", depth(1500, &base));
    return done(-1);
}
