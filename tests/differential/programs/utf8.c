/* UTF-8 and UTF-16: encode, decode, refuse overlong, surrogate and truncated forms; count and reverse characters. */
#include "out.h"

static NOINLINE int encode(u32 c, u8 *o) {
    if (c < 0x80)
        return o[0] = (u8)c, 1;
    if (c < 0x800)
        return o[0] = (u8)(0xc0 | c >> 6), o[1] = (u8)(0x80 | (c & 63)), 2;
    if (c < 0x10000)
        return o[0] = (u8)(0xe0 | c >> 12), o[1] = (u8)(0x80 | (c >> 6 & 63)), o[2] = (u8)(0x80 | (c & 63)), 3;
    return o[0] = (u8)(0xf0 | c >> 18), o[1] = (u8)(0x80 | (c >> 12 & 63)), o[2] = (u8)(0x80 | (c >> 6 & 63)),
           o[3] = (u8)(0x80 | (c & 63)), 4;
}
static NOINLINE i32 decode(const u8 *p, int n, int *used) {
    static const u32 least[] = {0, 0x80, 0x800, 0x10000};
    *used = 1;
    if (p[0] < 0x80)
        return p[0];
    int more = p[0] >= 0xf0 ? 3 : p[0] >= 0xe0 ? 2 : p[0] >= 0xc0 ? 1 : -1;
    if (more < 0 || p[0] > 0xf7)
        return -1;
    if (more >= n)
        return -2;
    u32 c = p[0] & (0x3fu >> more);
    for (int i = 1; i <= more; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return -3;
        c = c << 6 | (p[i] & 63u);
    }
    if (c < least[more])
        return -4;
    if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        return -5;
    *used = more + 1;
    return (i32)c;
}
static NOINLINE int utf16(u32 c, u16 *o) {
    if (c < 0x10000)
        return o[0] = (u16)c, 1;
    c -= 0x10000;
    return o[0] = (u16)(0xd800 + (c >> 10)), o[1] = (u16)(0xdc00 + (c & 0x3ff)), 2;
}

int main(void) {
    static const u32 probe[] = {0, 0x41, 0x7f, 0x80, 0xe9, 0x7ff, 0x800, 0x20ac, 0xd7ff, 0xe000, 0xffff, 0x10000, 0x1f600, 0x10ffff};
    int bad = 0;
    for (int i = 0; i < COUNT(probe); i++) {
        u8 b[4];
        u16 w[2];
        int n = encode(probe[i], b), used, m = utf16(probe[i], w);
        for (int k = 0; k < n; k++)
            put_hex(b[k], 2);
        sp();
        for (int k = 0; k < m; k++)
            put_hex(w[k], 4);
        sp(), bad += decode(b, n, &used) != (i32)probe[i] || used != n;
        put_i32(decode(b, n - (n > 1), &used)), nl();
    }
    for (u32 c = 1; c < 0x110000; c = c * 2 + c / 3 + 1) {
        u8 b[4];
        int used, n = encode(c, b);
        i32 r = decode(b, n, &used);
        bad += r != (i32)c && !(c >= 0xd800 && c < 0xe000);
    }
    static const u8 wrong[][4] = {{0x80}, {0xc0, 0xaf}, {0xe0, 0x80, 0xaf}, {0xed, 0xa0, 0x80}, {0xf4, 0x90, 0x80, 0x80},
                                  {0xff}, {0xc3, 0x28}, {0xf8, 0x88, 0x80, 0x80}};
    for (int i = 0; i < COUNT(wrong); i++) {
        int used;
        put_i32(decode(wrong[i], 4, &used)), sp();
    }
    nl();
    static const u8 text[] = "Ren\xc3\xa9 \xe2\x82\xac 5 \xf0\x9f\x98\x80 ok";
    int starts[32], count = 0;
    for (int i = 0; text[i];) {
        int used;
        i32 c = decode(text + i, (int)sizeof text - i, &used);
        put_hex((u32)c, 5), sp();
        starts[count++] = i, i += used;
    }
    nl();
    while (count--)
        for (int i = starts[count], first = 1; text[i] && (first || (text[i] & 0xc0) == 0x80); i++, first = 0)
            put_hex(text[i], 2);
    nl(), say_i32("bad", bad);
    return done(bad);
}
