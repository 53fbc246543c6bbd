/* Elementary functions by series and iteration: exp, log, sin, cos, atan, pi three ways, powers, integrals. */
#include "out.h"

static NOINLINE double exp_(double x) {
    volatile double s = 1.0, t = 1.0;
    for (int i = 1; i < 40; i++)
        t = t * x / i, s = s + t;
    return s;
}
static NOINLINE double log_(double x) {
    volatile double y = (x - 1) / (x + 1), t = y, s = 0;
    for (int i = 1; i < 120; i += 2)
        s = s + t / i, t = t * y * y;
    return 2 * s;
}
static NOINLINE double sin_(double x) {
    volatile double t = x, s = x;
    for (int i = 1; i < 16; i++)
        t = -t * x * x / (2 * i * (2 * i + 1)), s = s + t;
    return s;
}
static NOINLINE double atan_(double x) {
    volatile double t = x, s = 0;
    for (int i = 1; i < 100; i += 2)
        s = s + t / i, t = -t * x * x;
    return s;
}
static NOINLINE double root(double x) {
    volatile double r = x > 1 ? x : 1;
    for (int i = 0; i < 60; i++)
        r = (r + x / r) * 0.5;
    return r;
}
static NOINLINE double power(double x, int n) {
    volatile double r = 1.0, b = n < 0 ? 1 / x : x;
    for (u32 k = (u32)(n < 0 ? -n : n); k; k >>= 1) {
        if (k & 1)
            r = r * b;
        b = b * b;
    }
    return r;
}
static NOINLINE double simpson(double (*f)(double), double a, double b, int n) {
    volatile double h = (b - a) / n, s = f(a) + f(b);
    for (int i = 1; i < n; i++)
        s = s + f(a + h * i) * (i & 1 ? 4 : 2);
    return s * h / 3;
}

int main(void) {
    for (int i = -6; i < 7; i++) {
        double x = i * 0.375;
        put_double(exp_(x)), sp(), put_double(sin_(x)), sp(), put_double(log_(1 + (x < 0 ? -x : x))), sp();
        put_double(atan_(x / 4)), sp(), put_double(root(1 + x * x)), sp(), put_double(power(x + 3, i)), nl();
    }
    say_double("machin", 4 * (4 * atan_(1.0 / 5) - atan_(1.0 / 239)));
    volatile double wallis = 2;
    for (int i = 1; i < 2000; i++)
        wallis = wallis * (4.0 * i * i) / (4.0 * i * i - 1);
    say_double("wallis", wallis);
    volatile double a = 1, b = root(0.5), t = 0.25, p = 1;
    for (int i = 0; i < 5; i++) {
        volatile double n = (a + b) / 2, d = a - n;
        b = root(a * b), t = t - p * d * d, a = n, p = p * 2;
    }
    say_double("agm", (a + b) * (a + b) / (4 * t));
    say_double("integral", simpson(exp_, 0, 1, 100));
    say_double("integral", simpson(sin_, 0, 3, 60));
    return done(-1);
}
