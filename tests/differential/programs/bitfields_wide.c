/* 64-bit bit-fields and streams of bits of any width written to and read from a byte array. */
#include "out.h"

struct wide {
    u64 low : 40;
    u64 high : 24;
    i64 s : 50;
    u64 t : 14;
};

static u8 stream[256];
static u32 at;

static NOINLINE void put_bits(u32 value, int width) {
    while (width--) {
        u8 mask = (u8)(0x80 >> (at & 7));
        if (value >> width & 1)
            stream[at >> 3] |= mask;
        else
            stream[at >> 3] &= (u8)~mask;
        at++;
    }
}
static NOINLINE u32 get_bits(int width) {
    u32 value = 0;
    while (width--) {
        value = value << 1 | (stream[at >> 3] >> (7 - (at & 7)) & 1u);
        at++;
    }
    return value;
}

int main(void) {
    struct wide w = {0, 0, 0, 0};
    for (int i = 0; i < 20; i++) {
        w.low = w.low * 3 + 0x123456789ull, w.high += (u64)i * 0x10101, w.s = (i64)w.low - (1ll << 38), w.t ^= w.low >> 20;
        if (i & 1)
            w.s = -w.s;
        put_hex64(w.low), sp(), put_hex64(w.high), sp(), put_i64(w.s), sp(), put_hex64(w.t), nl();
    }
    for (int width = 1; width <= 32; width++)
        put_bits(0xdeadbeefu >> (32 - width) ^ (u32)width, width);
    u32 total = at;
    for (u32 i = 0; i < (total + 7) / 8; i++)
        put_hex(stream[i], 2);
    nl();
    at = 0;
    int bad = 0;
    for (int width = 1; width <= 32; width++) {
        u32 want = 0xdeadbeefu >> (32 - width) ^ (u32)width;
        if (width < 32)
            want &= (1u << width) - 1;
        bad += get_bits(width) != want;
    }
    say_i32("bad", bad);
    return done(bad);
}
