/* Volatile objects: every access made, read-modify-write, volatile struct members, pointers to volatile, loops. */
#include "out.h"

static volatile u32 counter;
static volatile u8 bytes[8];
static volatile struct {
    u16 a;
    u32 b;
    u8 c;
} device;

static NOINLINE u32 spin(volatile u32 *p, u32 n) {
    while (n--)
        (*p)++;
    return *p;
}
static NOINLINE void toggle(volatile u8 *p, int n) {
    for (int i = 0; i < n; i++) {
        p[i & 7] ^= (u8)(1 << (i % 5));
        p[i & 7] |= 0x40;
        p[(i + 1) & 7] &= 0xdf;
        p[(i + 3) & 7] = (u8)(p[(i + 3) & 7] + i);
    }
}
static NOINLINE int both(volatile int *a, volatile int *b) { return *a + *b - *a * *b; }

int main(void) {
    say_u32("spin", spin(&counter, 1234));
    counter -= 34, counter <<= 3, counter ^= 0x55, counter /= 7;
    say_u32("counter", counter);
    toggle(bytes, 100);
    for (int i = 0; i < 8; i++)
        put_hex(bytes[i], 2), sp();
    nl();
    for (int i = 0; i < 10; i++)
        device.a = (u16)(device.a * 3 + i), device.b += (u32)device.a << 8, device.c--, device.c ^= (u8)device.b;
    put_u32(device.a), sp(), put_u32(device.b), sp(), put_u32(device.c), nl();
    volatile int x = 7, y = -3;
    say_i32("both", both(&x, &y)), say_i32("same", both(&x, &x));
    volatile i64 wide = 1;
    for (volatile int i = 0; i < 40; i++)
        wide = wide * 3 - i;
    say_i64("wide", wide);
    volatile double d = 1.0;
    for (int i = 0; i < 20; i++)
        d = d / 3.0, d = d + 1.0;
    say_double("double", d);
    return done(-1);
}
