/* Conversions between floating point and integers of every width, toward zero, signed and unsigned, and float/double. */
#include "out.h"

static NOINLINE i32 d_i32(double x) { return (i32)x; }
static NOINLINE u32 d_u32(double x) { return (u32)x; }
static NOINLINE i64 d_i64(double x) { return (i64)x; }
static NOINLINE u64 d_u64(double x) { return (u64)x; }
static NOINLINE i16 d_i16(double x) { return (i16)x; }
static NOINLINE u8 d_u8(double x) { return (u8)x; }
static NOINLINE i32 f_i32(float x) { return (i32)x; }
static NOINLINE u64 f_u64(float x) { return (u64)x; }
static NOINLINE double i32_d(i32 x) { return x; }
static NOINLINE double u32_d(u32 x) { return x; }
static NOINLINE double i64_d(i64 x) { return (double)x; }
static NOINLINE double u64_d(u64 x) { return (double)x; }
static NOINLINE float i32_f(i32 x) { return (float)x; }
static NOINLINE float u32_f(u32 x) { return (float)x; }
static NOINLINE float i64_f(i64 x) { return (float)x; }
static NOINLINE float u64_f(u64 x) { return (float)x; }
static NOINLINE float d_f(double x) { return (float)x; }
static NOINLINE double f_d(float x) { return x; }

int main(void) {
    static const double v[] = {0.0, 0.5, 0.999999, 1.0, 1.5, 2.5, 99.99, 255.0, 32767.5, 65535.9, 2147483646.5, 2147483647.0};
    for (int i = 0; i < COUNT(v); i++)
        for (int s = 0; s < 2; s++) {
            double x = s ? -v[i] : v[i];
            put_i32(d_i32(x)), sp(), put_i64(d_i64(x * 1000003.0)), sp(), put_i32(f_i32((float)(x / 2))), sp();
            if (x >= 0)
                put_u32(d_u32(x * 1.9)), sp(), put_u64(d_u64(x * 4e9)), sp(), put_u64(f_u64((float)x)), sp();
            if (x > -32768 && x < 32768)
                put_i32(d_i16(x)), sp();
            if (x > -1 && x < 256)
                put_u32(d_u8(x));
            sp(), put_float(d_f(x)), sp(), put_double(f_d((float)x)), nl();
        }
    static const u64 w[] = {0, 1, 16777216, 16777217, 16777219, 0x7fffffff, 0x80000000u, 0xffffffffu, 0x100000000ull,
                            0x1fffffffffffffull, 0x20000000000001ull, 0x20000000000003ull, 0x7fffffffffffffffull,
                            0x8000000000000000ull, 0x8000000000000400ull, 0x8000000000000401ull, 0xfffffffffffffbffull,
                            0xffffffffffffffffull};
    for (int i = 0; i < COUNT(w); i++) {
        put_double(i32_d((i32)w[i])), sp(), put_double(u32_d((u32)w[i])), sp(), put_double(i64_d((i64)w[i])), sp();
        put_double(u64_d(w[i])), sp(), put_float(i32_f((i32)w[i])), sp(), put_float(u32_f((u32)w[i])), sp();
        put_float(i64_f((i64)w[i])), sp(), put_float(u64_f(w[i])), nl();
    }
    return done(-1);
}
