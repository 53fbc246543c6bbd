/* CRC-8, -16 (two kinds), -32, -64 by bits and by table, Adler-32, Fletcher-16, checks against known values. */
#include "out.h"

static u32 table32[256];
static u16 table16[256];
static u64 table64[256];

static NOINLINE u8 crc8(const u8 *p, u32 n) {
    u8 c = 0;
    while (n--) {
        c ^= *p++;
        for (int i = 0; i < 8; i++)
            c = (u8)(c & 0x80 ? c << 1 ^ 0x07 : c << 1);
    }
    return c;
}
static NOINLINE u16 ccitt(const u8 *p, u32 n) {
    u16 c = 0xffff;
    while (n--)
        c = (u16)(c << 8 ^ table16[(c >> 8 ^ *p++) & 255]);
    return c;
}
static NOINLINE u16 arc(const u8 *p, u32 n) {
    u16 c = 0;
    while (n--) {
        c ^= *p++;
        for (int i = 0; i < 8; i++)
            c = (u16)(c & 1 ? c >> 1 ^ 0xa001 : c >> 1);
    }
    return c;
}
static NOINLINE u32 crc32(const u8 *p, u32 n) {
    u32 c = ~0u;
    while (n--)
        c = c >> 8 ^ table32[(c ^ *p++) & 255];
    return ~c;
}
static NOINLINE u64 crc64(const u8 *p, u32 n) {
    u64 c = ~0ull;
    while (n--)
        c = c >> 8 ^ table64[(c ^ *p++) & 255];
    return ~c;
}
static NOINLINE u32 adler(const u8 *p, u32 n) {
    u32 a = 1, b = 0;
    while (n--)
        a = (a + *p++) % 65521, b = (b + a) % 65521;
    return b << 16 | a;
}
static NOINLINE u16 fletcher(const u8 *p, u32 n) {
    u16 a = 0, b = 0;
    while (n--)
        a = (u16)((a + *p++) % 255), b = (u16)((b + a) % 255);
    return (u16)(b << 8 | a);
}

int main(void) {
    for (u32 i = 0; i < 256; i++) {
        u32 c = i;
        u16 d = (u16)(i << 8);
        u64 e = i;
        for (int k = 0; k < 8; k++) {
            c = c & 1 ? c >> 1 ^ 0xedb88320u : c >> 1;
            d = (u16)(d & 0x8000 ? d << 1 ^ 0x1021 : d << 1);
            e = e & 1 ? e >> 1 ^ 0xc96c5795d7870f42ull : e >> 1;
        }
        table32[i] = c, table16[i] = d, table64[i] = e;
    }
    const u8 *check = (const u8 *)"123456789";
    put_hex(crc8(check, 9), 2), sp(), put_hex(ccitt(check, 9), 4), sp(), put_hex(arc(check, 9), 4), sp();
    put_hex(crc32(check, 9), 8), sp(), put_hex64(crc64(check, 9)), sp(), put_hex(adler(check, 9), 8), nl();
    u8 data[300];
    for (int i = 0; i < 300; i++)
        data[i] = (u8)(next_random() >> 9);
    for (u32 n = 0; n < 300; n = n * 2 + 1)
        put_hex(crc8(data + 1, n), 2), sp(), put_hex(ccitt(data + 2, n), 4), sp(), put_hex(arc(data, n), 4), sp(),
            put_hex(crc32(data + 3, n), 8), sp(), put_hex64(crc64(data, n)), sp(), put_hex(adler(data, n), 8), sp(),
            put_hex(fletcher(data, n), 4), nl();
    int ok = crc32(check, 9) == 0xcbf43926u && ccitt(check, 9) == 0x29b1 && arc(check, 9) == 0xbb3d;
    return done(ok ? 9 : 1);
}
