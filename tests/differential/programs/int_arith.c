/* 32-bit addition, subtraction, multiplication, division and remainder over corner values, signed and unsigned. */
#include "out.h"

static const u32 corner[] = {0u, 1u, 2u, 3u, 7u, 10u, 127u, 128u, 255u, 256u, 32767u, 32768u, 65535u, 65536u, 99999u,
                             0x7ffffffeu, 0x7fffffffu, 0x80000000u, 0x80000001u, 0xfffffffeu, 0xffffffffu};

static NOINLINE u32 udiv(u32 a, u32 b) { return a / b; }
static NOINLINE u32 umod(u32 a, u32 b) { return a % b; }
static NOINLINE i32 sdiv(i32 a, i32 b) { return a / b; }
static NOINLINE i32 smod(i32 a, i32 b) { return a % b; }
static NOINLINE u32 mul(u32 a, u32 b) { return a * b; }

int main(void) {
    u32 mix = 0;
    for (int i = 0; i < COUNT(corner); i++)
        for (int j = 0; j < COUNT(corner); j++) {
            u32 a = corner[i], b = corner[j];
            mix = mix * 31 + (a + b) + 3 * (a - b) + 5 * mul(a, b);
            if (b) {
                mix = mix * 31 + udiv(a, b) + 7 * umod(a, b);
                if (!(a == 0x80000000u && b == 0xffffffffu)) {
                    i32 q = sdiv((i32)a, (i32)b), r = smod((i32)a, (i32)b);
                    mix = mix * 31 + (u32)q + 11 * (u32)r;
                    if ((u32)q * b + (u32)r != a)
                        put("broken identity\n");
                }
            }
            if (j % 5 == i % 5) {
                put_hex(a, 8), sp(), put_hex(b, 8), sp(), put_hex(mix, 8), nl();
            }
        }
    for (i32 d = -9; d <= 9; d++)
        if (d) {
            put_i32(d), put_char(':');
            for (i32 n = -20; n <= 20; n += 3)
                sp(), put_i32(n / d), put_char(','), put_i32(n % d);
            nl();
        }
    for (u32 n = 0; n < 300; n += 7) {
        put_u32(n / 3), sp(), put_u32(n / 5), sp(), put_u32(n / 7), sp(), put_u32(n / 10), sp(), put_u32(n / 641);
        sp(), put_u32((n * 14316557u) / 1000u), nl();
    }
    return done(-1);
}
