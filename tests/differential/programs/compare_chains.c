/* Conditions: short circuit with effects, chains of else, ternaries, min and max, Boolean values stored, de Morgan, loops with breaks. */
#include "out.h"

static u32 effects;
static NOINLINE int touch(int bit, int value) {
    effects = effects * 3 + (u32)bit;
    return value;
}
static NOINLINE int grade(int x) {
    if (x < 0 || x > 100)
        return '?';
    else if (x >= 90)
        return 'A';
    else if (x >= 75 && x != 80)
        return 'B';
    else if (!(x < 50))
        return x & 1 ? 'C' : 'c';
    return x ? 'D' : '0';
}
static NOINLINE i32 middle(i32 a, i32 b, i32 c) { return a < b ? (b < c ? b : a < c ? c : a) : (a < c ? a : b < c ? c : b); }
static NOINLINE u32 umiddle(u32 a, u32 b, u32 c) { return a < b ? (b < c ? b : a < c ? c : a) : (a < c ? a : b < c ? c : b); }
static NOINLINE i32 clamp(i32 x, i32 low, i32 high) { return x < low ? low : x > high ? high : x; }
static NOINLINE int flags(int a, int b) {
    int lt = a < b, eq = a == b, ult = (u32)a < (u32)b, both = a && b, either = a || b, not = !a;
    return lt | eq << 1 | ult << 2 | both << 3 | either << 4 | not << 5 | (!(a && b) == (!a || !b)) << 6;
}
static NOINLINE int find(const i16 *v, int n, i16 x) {
    int i;
    for (i = 0; i < n; i++) {
        if (v[i] < 0)
            continue;
        if (v[i] == x)
            break;
        if (v[i] > 900)
            return -2;
    }
    return i == n ? -1 : i;
}

int main(void) {
    for (int x = -5; x <= 105; x += 5)
        put_char((char)grade(x)), put_char((char)grade(x + 1));
    nl();
    static const i32 v[] = {-2147483647 - 1, -7, 0, 7, 2147483647};
    for (int i = 0; i < 5; i++)
        for (int j = 0; j < 5; j++) {
            for (int k = 0; k < 5; k++)
                put_i32(middle(v[i], v[j], v[k]) == (i32)umiddle((u32)v[i], (u32)v[j], (u32)v[k]));
            put_hex((u32)flags(v[i], v[j]), 2), sp(), put_i32(clamp(v[i], -5, v[j] > 0 ? v[j] / 2 : 3)), sp();
        }
    nl();
    int hits = 0;
    for (int i = 0; i < 32; i++) {
        int a = i & 1, b = i & 2, c = i & 4, d = i & 8, e = i & 16;
        hits += (touch(1, a) && touch(2, b)) || (touch(3, c) && !touch(4, d)) || touch(5, e);
        hits += !(touch(6, a) || touch(7, b)) && (touch(8, c) ? touch(9, d) : touch(10, e));
        if (touch(11, a) ? touch(12, b) && touch(13, c) : touch(14, d) || touch(15, e))
            hits += 100;
    }
    say_i32("hits", hits), say_hex("effects", effects);
    static const i16 list[] = {4, -9, 16, 25, -36, 49, 901, 64};
    for (int i = 0; i < 8; i++)
        put_i32(find(list, 8, list[i])), sp(), put_i32(find(list, 6, (i16)(i * i))), sp();
    nl();
    return done(-1);
}
