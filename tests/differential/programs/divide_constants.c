/* Division and remainder by constants, signed and unsigned, in 8, 16, 32 and 64 bits: multiplication by reciprocals. */
#include "out.h"

#define DIVIDE(d) \
    put_u32(u / d), sp(), put_u32(u % d), sp(), put_i32(s / d), sp(), put_i32(s % d), sp(), put_i32(h / d), sp(), \
    put_u32((u32)(b % d)), sp(), put_i64(l / d), sp(), put_u64((u64)l % d##u), nl()

static NOINLINE void show(u32 u) {
    i32 s = (i32)u;
    i16 h = (i16)(u >> 7);
    u8 b = (u8)(u >> 3);
    i64 l = (i64)((u64)u << 21 ^ 0x8000000000000000ull ^ u);
    DIVIDE(1); DIVIDE(2); DIVIDE(3); DIVIDE(4); DIVIDE(5); DIVIDE(6); DIVIDE(7); DIVIDE(8); DIVIDE(9); DIVIDE(10);
    DIVIDE(11); DIVIDE(12); DIVIDE(13); DIVIDE(25); DIVIDE(60); DIVIDE(64); DIVIDE(100); DIVIDE(125); DIVIDE(127);
    DIVIDE(255); DIVIDE(256); DIVIDE(641); DIVIDE(1000); DIVIDE(3600); DIVIDE(10000); DIVIDE(32767); DIVIDE(65535);
    DIVIDE(65536); DIVIDE(65537); DIVIDE(1000000); DIVIDE(16777216); DIVIDE(1000000000); DIVIDE(2147483647);
    put_i32(s / -1 + (s == 0)), sp(), put_i32(s / -3), sp(), put_i32(s % -10), sp(), put_i32(s / -128), sp();
    put_u32(u * 3), sp(), put_u32(u * 5), sp(), put_u32(u * 7), sp(), put_u32(u * 10), sp(), put_u32(u * 15), sp();
    put_u32(u * 100), sp(), put_u32(u * 641), sp(), put_u32(u * 65535u), nl();
}

int main(void) {
    static const u32 v[] = {0, 1, 99, 32768, 65535, 1000000007u, 2147483647u, 2147483649u, 3735928559u, 4294967295u};
    for (int i = 0; i < COUNT(v); i++)
        show(v[i]);
    return done(-1);
}
