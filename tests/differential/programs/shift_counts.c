/* Shifts by every defined count, by variable and by constant, in 8, 16, 32 bits, left, right, arithmetic right. */
#include "out.h"

static NOINLINE u32 shl(u32 x, int n) { return x << n; }
static NOINLINE u32 shr(u32 x, int n) { return x >> n; }
static NOINLINE i32 sar(i32 x, int n) { return x >> n; }
static NOINLINE u16 shl16(u16 x, int n) { return (u16)(x << n); }
static NOINLINE i16 sar16(i16 x, int n) { return (i16)(x >> n); }
static NOINLINE u8 shr8(u8 x, int n) { return (u8)(x >> n); }
static NOINLINE i8 sar8(i8 x, int n) { return (i8)(x >> n); }

#define CONST(n) put_hex(x << n, 8), sp(), put_hex(x >> n, 8), sp(), put_hex((u32)((i32)x >> n), 8), nl()

static NOINLINE void constants(u32 x) {
    CONST(0); CONST(1); CONST(2); CONST(3); CONST(7); CONST(8); CONST(9); CONST(15); CONST(16);
    CONST(17); CONST(23); CONST(24); CONST(25); CONST(30); CONST(31);
}

int main(void) {
    static const u32 values[] = {0x80000001u, 0x12345678u, 0xfedcba98u, 0xffffffffu, 1u};
    for (int v = 0; v < COUNT(values); v++) {
        u32 x = values[v];
        for (int n = 0; n < 32; n++) {
            put_hex(shl(x, n), 8), sp(), put_hex(shr(x, n), 8), sp(), put_hex((u32)sar((i32)x, n), 8);
            sp(), put_hex(shl16((u16)x, n & 15), 4), sp(), put_i32(sar16((i16)x, n & 15)), sp();
            put_hex(shr8((u8)x, n & 7), 2), sp(), put_i32(sar8((i8)x, n & 7)), nl();
        }
        constants(x);
    }
    return done(-1);
}
