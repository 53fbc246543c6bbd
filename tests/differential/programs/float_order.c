/* Floating-point comparison without infinities: all relations over ordinary values, zeros, the least and NaN. */
#include "out.h"

static NOINLINE int relations(double a, double b) {
    return (a < b) | (a <= b) << 1 | (a > b) << 2 | (a >= b) << 3 | (a == b) << 4 | (a != b) << 5;
}
static NOINLINE int inverse(double a, double b) {
    int r = 0;
    if (!(a < b))
        r |= 1;
    if (!(a >= b))
        r |= 2;
    if (!(a == b))
        r |= 4;
    return r;
}
static NOINLINE int quiet(double a, double b) {
    return __builtin_isunordered(a, b) | __builtin_isless(a, b) << 1 | __builtin_isgreaterequal(a, b) << 2 |
           __builtin_islessgreater(a, b) << 3;
}
static NOINLINE int frel(float a, float b) { return (a < b) | (a > b) << 1 | (a == b) << 2; }
static NOINLINE double least(double a, double b) { return a < b ? a : b; }
static NOINLINE int zero(double a) { return a == 0.0; }
static NOINLINE int positive(double a) { return a > 0.0; }

int main(void) {
    static volatile double nothing = 0.0, one = 1.0;
    double v[] = {0.0, -nothing, one, -one, one / 3, 1e30, -1e30, -one / 7, 0.1, nothing / nothing, 5e-324};
    for (int i = 0; i < COUNT(v); i++) {
        for (int j = 0; j < COUNT(v); j++) {
            put_hex((u32)relations(v[i], v[j]), 2), put_hex((u32)inverse(v[i], v[j]), 1);
            put_hex((u32)quiet(v[i], v[j]), 1), put_hex((u32)frel((float)v[i], (float)v[j]), 1), sp();
        }
        put_i32(zero(v[i])), put_i32(positive(v[i])), put_i32(v[i] != v[i]), put_i32(!!__builtin_isinf(v[i])), nl();
    }
    for (int i = 0; i < 9; i++)
        put_double(least(v[i], v[(i + 3) % 9])), nl();
    double x = 10.0;
    int n = 0;
    while (x > 0.01)
        x = x * 0.75 - 0.001, n++;
    say_i32("steps", n);
    return done(n);
}
