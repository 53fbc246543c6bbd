/* 64-bit shifts by every count, by variable and by constant, and rotations. */
#include "out.h"

static NOINLINE u64 shl(u64 x, int n) { return x << n; }
static NOINLINE u64 shr(u64 x, int n) { return x >> n; }
static NOINLINE i64 sar(i64 x, int n) { return x >> n; }
static NOINLINE u64 rol(u64 x, int n) { return x << (n & 63) | x >> (-n & 63); }

#define CONST(n) put_hex64(x << n), sp(), put_hex64(x >> n), sp(), put_hex64((u64)((i64)x >> n)), nl()

static NOINLINE void constants(u64 x) {
    CONST(1); CONST(2); CONST(8); CONST(15); CONST(16); CONST(17); CONST(31); CONST(32);
    CONST(33); CONST(40); CONST(47); CONST(48); CONST(56); CONST(62); CONST(63);
}

int main(void) {
    static const u64 values[] = {0x8000000000000001ull, 0x0123456789abcdefull, 0xfedcba9876543210ull};
    for (int v = 0; v < COUNT(values); v++) {
        for (int n = 0; n < 64; n++)
            put_hex64(shl(values[v], n)), sp(), put_hex64(shr(values[v], n)), sp(),
                put_hex64((u64)sar((i64)values[v], n)), sp(), put_hex64(rol(values[v], n)), nl();
        constants(values[v]);
    }
    return done(-1);
}
