/* memcpy, memmove, memset, memcmp at every alignment and small length, overlapping both ways; guards unharmed. */
#include "out.h"

static u8 area[160], expect[160];

static NOINLINE void reset(void) {
    for (int i = 0; i < 160; i++)
        area[i] = expect[i] = (u8)(i * 13 + 7);
}
static NOINLINE int same(void) {
    for (int i = 0; i < 160; i++)
        if (area[i] != expect[i])
            return 0;
    return 1;
}
static NOINLINE u32 sum(void) {
    u32 s = 0;
    for (int i = 0; i < 160; i++)
        s = s * 31 + area[i];
    return s;
}

int main(void) {
    int bad = 0;
    u32 total = 0;
    for (unsigned from = 16; from < 22; from++)
        for (unsigned to = 10; to < 34; to++)
            for (unsigned n = 0; n < 60; n += n < 9 ? 1 : 7) {
                u8 saved[64];
                reset();
                for (unsigned i = 0; i < n; i++)
                    saved[i] = expect[from + i];
                for (unsigned i = 0; i < n; i++)
                    expect[to + i] = saved[i];
                __builtin_memmove(area + to, area + from, n);
                bad += !same();
                total += sum();
            }
    say_hex("moves", total);
    for (unsigned to = 80; to < 88; to++)
        for (unsigned n = 0; n < 70; n += 3) {
            reset();
            for (unsigned i = 0; i < n; i++)
                expect[to + i] = area[i + to % 5];
            __builtin_memcpy(area + to, area + to % 5, n);
            bad += !same(), total ^= sum();
            for (unsigned i = 0; i < n; i++)
                expect[to + i] = (u8)(n * 3);
            __builtin_memset(area + to, (int)(n * 3 + 256), n);
            bad += !same(), total += sum();
        }
    say_hex("sets", total);
    for (unsigned n = 0; n < 40; n += 3)
        for (unsigned at = 0; at < 40; at += 4) {
            reset();
            __builtin_memcpy(area + 80, area, 50);
            area[80 + at]++;
            int r = __builtin_memcmp(area, area + 80, n), s = __builtin_memcmp(area + 80, area, n);
            put_char(r < 0 ? '<' : r > 0 ? '>' : '='), put_char(s < 0 ? '<' : s > 0 ? '>' : '=');
            if (at == 36)
                nl();
        }
    struct {
        u32 w[11];
        u8 tail[3];
    } big, copy;
    __builtin_memset(&big, 0xa5, sizeof big);
    big.w[3] = 0x01020304u, big.tail[2] = 9;
    copy = big;
    say_i32("structs", __builtin_memcmp(&copy, &big, sizeof big));
    say_i32("bad", bad);
    return done(bad ? 1 : 60);
}
