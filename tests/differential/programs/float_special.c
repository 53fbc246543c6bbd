/* Infinities, NaN, signed zeros, overflow, gradual underflow, the largest and least values, in arithmetic. */
#include "out.h"

static volatile double zero = 0.0, one = 1.0, big = 1.7976931348623157e308, tiny = 2.2250738585072014e-308;
static volatile float fbig = 3.40282347e38f, ftiny = 1.17549435e-38f;

static NOINLINE int kind(double x) {
    if (x != x)
        return 0;
    if (x - x != x - x)
        return x > 0 ? 1 : 2;
    if (x == 0)
        return 1 / x > 0 ? 3 : 4;
    return (x < 0 ? -x : x) < 2.2250738585072014e-308 ? 5 : 6;
}
static NOINLINE void show(double x) {
    volatile double r = x;
    put_i32(kind(r)), put_char(':');
    if (r == r)
        put_double(r);
    else
        put("nan");
    sp();
}

int main(void) {
    double infinity = one / zero, nan = zero / zero, minus = -one * zero;
    show(infinity), show(-infinity), show(nan), show(zero), show(minus), nl();
    double v[] = {0.0, minus, 1.0, -1.0, infinity, -infinity, nan, big, tiny};
    for (int i = 0; i < COUNT(v); i++) {
        for (int j = 0; j < COUNT(v); j++)
            show(v[i] + v[j]), show(v[i] * v[j]), show(v[i] / v[j]);
        nl();
    }
    volatile double x = tiny;
    for (int i = 0; i < 56; i++) {
        if (i % 5 == 0 || i > 50)
            show(x);
        x = x / 2.0;
    }
    nl();
    x = big;
    for (int i = 0; i < 4; i++)
        x = x * 1.0000000000000002, show(x);
    nl();
    volatile float f = ftiny;
    for (int i = 0; i < 26; i++) {
        if (i % 3 == 0)
            put_float(f), sp();
        f = f / 2.0f;
    }
    f = fbig, f = f * 1.5f, put_float(f), sp(), f = -fbig, f = f - fbig, put_float(f), nl();
    return done(-1);
}
