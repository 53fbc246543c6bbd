/* 8- and 16-bit values: promotion, truncation, sign extension, compound assignment, comparison. */
#include "out.h"

static NOINLINE i8 add8(i8 a, i8 b) { return (i8)(a + b); }
static NOINLINE u8 sub8(u8 a, u8 b) { return (u8)(a - b); }
static NOINLINE i16 mul16(i16 a, i16 b) { return (i16)(u16)((u32)(i32)a * (u32)(i32)b); }
static NOINLINE u16 div16(u16 a, u16 b) { return (u16)(a / b); }
static NOINLINE i32 widen8(i8 a) { return a; }
static NOINLINE i32 widen16(i16 a) { return a; }
static NOINLINE int less8(i8 a, u8 b) { return a < b; }
static NOINLINE int less16(i16 a, u16 b) { return a < b; }

int main(void) {
    for (int i = -128; i < 128; i += 9) {
        i8 a = (i8)i;
        u8 b = (u8)(i * 7);
        put_i32(add8(a, (i8)b)), sp(), put_u32(sub8((u8)a, b)), sp(), put_i32(widen8((i8)b)), sp(), put_i32(less8(a, b));
        a = (i8)((u8)a << 1), b = (u8)(b >> 3);
        a ^= 0x55, b |= 0x81;
        sp(), put_i32(a), sp(), put_u32(b), sp(), put_i32(~b), sp(), put_i32(-b), nl();
    }
    for (i32 i = -32768; i < 32768; i += 2731) {
        i16 a = (i16)i;
        u16 b = (u16)(i * 3 + 1);
        put_i32(mul16(a, (i16)b)), sp(), put_u32(div16(b, (u16)(a | 1))), sp(), put_i32(widen16((i16)b)), sp();
        put_i32(less16(a, b)), sp();
        b = (u16)(b + (u16)a), a = (i16)(a - (i16)b);
        b++, a--;
        put_i32(a), sp(), put_u32(b), sp(), put_i32((u8)a), sp(), put_i32((i8)b), nl();
    }
    u8 wrap = 250;
    for (int i = 0; i < 12; i++)
        put_u32(wrap++), sp();
    i8 down = -120;
    for (int i = 0; i < 14; i++)
        put_i32(down), sp(), down = (i8)(down - 3);
    nl();
    i32 sum = 0;
    for (u16 k = 65500; k != 20; k++)
        sum += k & 0xff, sum ^= (i16)k;
    say_i32("loop", sum);
    return done(-1);
}
