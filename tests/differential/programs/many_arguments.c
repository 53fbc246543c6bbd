/* Functions of many arguments of mixed width, many live variables (spills), leaf calls in argument lists. */
#include "out.h"

static NOINLINE i64 twelve(i8 a, u8 b, i16 c, u16 d, i32 e, u32 f, i64 g, u64 h, char *i, double j, float k, int *l) {
    *l += 1;
    return a + b * 2 + c * 3 + (i64)d * 4 + (i64)e * 5 + (i64)f * 6 + g * 7 + (i64)h * 8 + *i + (i64)(j * 4) + (i64)(k * 8) + *l;
}
static NOINLINE i32 sixteen(i32 a, i32 b, i32 c, i32 d, i32 e, i32 f, i32 g, i32 h, i32 i, i32 j, i32 k, i32 l, i32 m, i32 n,
                            i32 o, i32 p) {
    return a - b + c * d - e + f * g - h + i * j - k + l * m - n + o * p;
}
static NOINLINE i32 id(i32 x) { return x; }
static NOINLINE u32 pressure(const u32 *v) {
    u32 a = v[0], b = v[1], c = v[2], d = v[3], e = v[4], f = v[5], g = v[6], h = v[7], i = v[8], j = v[9], k = v[10], l = v[11];
    for (int n = 0; n < 20; n++) {
        a += b ^ l, b = b << 3 | b >> 29, c -= a & d, d ^= e + f, e = e * 5 + g, f |= h >> 2, g += i * j, h ^= k - a;
        i = (i >> 1) + (b & 0xff), j -= c ^ e, k = k * 3 + d, l += f ^ g;
    }
    return a ^ b ^ c ^ d ^ e ^ f ^ g ^ h ^ i ^ j ^ k ^ l;
}
static NOINLINE double eight(double a, double b, double c, double d, double e, double f, double g, double h) {
    volatile double x = a * b, y = c * d, z = e * f, w = g * h, s = x + y, t = z - w;
    return s * t;
}
static NOINLINE int narrow(char a, short b, char c, short d) { return a * 1000 + b - c * d; }

int main(void) {
    int count = 0;
    u32 v[12];
    for (int n = -3; n < 4; n++) {
        char c = (char)('k' + n);
        put_i64(twelve((i8)(n * 40), (u8)(n * 50), (i16)(n * 9000), (u16)(n * 10001), n * 100000007, (u32)n * 3u, n * (1ll << 35),
                       (u64)(n & 7) << 33, &c, n * 0.75, (float)n * 1.5f, &count));
        sp();
        put_i32(sixteen(id(n), id(2), id(n + 3), id(4), id(5 - n), id(6), id(7), id(n * 8), id(9), id(10), id(11), id(n), id(13),
                        id(14), id(15), id(16 - n)));
        sp();
        for (u32 i = 0; i < 12; i++)
            v[i] = (u32)(n + 5) * (i + 1) * 2654435761u;
        put_hex(pressure(v), 8), sp();
        put_double(eight(n, 1.5, n + 0.5, 2, 3, n - 0.25, 4.5, n)), sp();
        put_i32(narrow((char)(n + 70), (short)(n * 999), (char)(n * 3), (short)(n - 20))), nl();
    }
    say_i32("count", count);
    return done(count);
}
