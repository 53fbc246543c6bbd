/* Dense switches (jump tables): fall through, defaults inside and outside the range, 8-, 16- and 64-bit selectors. */
#include "out.h"

static NOINLINE int dense(int x) {
    switch (x) {
    case 0: return 17;
    case 1: return x * 3 + 5;
    case 2: x += 100; /* fall through */
    case 3: return x << 2;
    case 4: case 5: case 6: return -x;
    case 7: return 7777;
    case 8: x = x * x; break;
    case 9: x = ~x; break;
    case 10: return 3;
    case 12: x ^= 0x55; break;
    case 13: case 14: return x - 1000;
    case 15: x--; break;
    default: return -1;
    }
    return x + 1;
}
static NOINLINE int offset(int x) {
    switch (x) {
    case -5: return 1;
    case -4: return 4;
    case -3: return 9;
    case -2: return 16;
    case -1: return 25;
    case 0: return 36;
    case 1: return 49;
    case 2: return 64;
    case 3: return 81;
    }
    return 0;
}
static NOINLINE const char *letter(u8 c) {
    switch (c) {
    case 'a': return "alpha";
    case 'b': return "bravo";
    case 'c': return "charlie";
    case 'd': return "delta";
    case 'e': return "echo";
    case 'f': return "foxtrot";
    case 'g': return "golf";
    case 'z': return "zulu";
    default: return "?";
    }
}
static NOINLINE int wide(u64 x) {
    switch (x) {
    case 0x100000000ull: return 1;
    case 0x100000001ull: return 2;
    case 0x100000002ull: return 3;
    case 0x100000003ull: return 4;
    case 0x100000004ull: return 5;
    case 1: return 6;
    default: return 0;
    }
}
static NOINLINE u32 machine(u32 n) {
    u32 state = 0, trace = 0;
    while (n--) {
        trace = trace * 5 + state;
        switch (state) {
        case 0: state = n & 1 ? 3 : 1; break;
        case 1: state = 4; break;
        case 2: state = n % 3 ? 0 : 5; break;
        case 3: state = 2; break;
        case 4: state = n & 4 ? 2 : 6; break;
        case 5: state = 7; break;
        case 6: state = 5; break;
        case 7: state = n & 2; break;
        }
    }
    return trace;
}

int main(void) {
    for (int i = -3; i < 19; i++)
        put_i32(dense(i)), sp();
    nl();
    put_i32(dense(2147483647)), sp(), put_i32(dense(-2147483647)), sp(), put_i32(dense(65536 + 3)), nl();
    for (int i = -8; i < 7; i++)
        put_i32(offset(i)), sp();
    nl();
    for (int c = 90; c < 125; c += 1)
        put(letter((u8)c)), sp();
    nl();
    for (int i = 0; i < 6; i++)
        put_i32(wide(0x100000000ull + (u64)i)), put_i32(wide((u64)i)), put_i32(wide(0x200000000ull + (u64)i)), sp();
    nl();
    for (u32 n = 0; n < 60; n += 7)
        put_hex(machine(n), 8), sp();
    nl();
    return done(-1);
}
