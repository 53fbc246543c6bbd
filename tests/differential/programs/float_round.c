/* Rounding: to float and double at ties and near them, own floor, ceil, round, trunc and fmod by integer parts. */
#include "out.h"

static NOINLINE double trunc_(double x) { return x > -4e18 && x < 4e18 ? (double)(i64)x : x; }
static NOINLINE double floor_(double x) {
    volatile double t = trunc_(x);
    return t > x ? t - 1.0 : t;
}
static NOINLINE double ceil_(double x) { return -floor_(-x); }
static NOINLINE double round_(double x) { return x < 0 ? ceil_(x - 0.5) : floor_(x + 0.5); }
static NOINLINE double mod_(double x, double y) { return x - y * trunc_(x / y); }
static NOINLINE float narrow(double x) { return (float)x; }
static NOINLINE double store(double x) {
    volatile double r = x;
    return r;
}

int main(void) {
    static const double v[] = {0.0, 0.25, 0.5, 0.75, 1.5, 2.5, 3.49999999, 1e6 + 0.5, 4503599627370496.5, 1e17, 123456789.0};
    for (int i = 0; i < COUNT(v); i++)
        for (int s = -1; s < 2; s += 2) {
            double x = v[i] * s;
            put_double(store(trunc_(x))), sp(), put_double(store(floor_(x))), sp(), put_double(store(ceil_(x))), sp();
            put_double(store(round_(x))), sp(), put_double(store(mod_(x, 1.75))), nl();
        }
    double one = 1.0, step = store(1.0 / 8388608.0);
    for (int i = -4; i <= 4; i++) {
        volatile double x = one + step * i / 4.0;
        volatile double y = x + 1e-15, z = x - 1e-15;
        put_double(x), sp(), put_float(narrow(x)), sp(), put_float(narrow(y)), sp(), put_float(narrow(z)), nl();
    }
    volatile double big = 9007199254740992.0;
    for (int i = 0; i < 8; i++)
        put_double(store(big + i)), sp(), put_double(store(big * 2 + i)), sp(), put_double(store(big - i * 0.5)), nl();
    return done(-1);
}
