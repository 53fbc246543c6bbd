/* Doubles and floats: the four operations, negation, absolute value, square root, through memory after each step. */
#include "out.h"

static NOINLINE double add(double a, double b) { return a + b; }
static NOINLINE double sub(double a, double b) { return a - b; }
static NOINLINE double mul(double a, double b) { return a * b; }
static NOINLINE double quo(double a, double b) { return a / b; }
static NOINLINE float fadd(float a, float b) { return a + b; }
static NOINLINE float fmul(float a, float b) { return a * b; }
static NOINLINE float fquo(float a, float b) { return a / b; }
static NOINLINE double root(double x) {
    double r;
    __asm__("fsqrt%.x %1,%0" : "=f"(r) : "f"(x));
    return r;
}

int main(void) {
    static const double v[] = {1.0, -2.5, 3.141592653589793, 1e10, -1e-10, 0.1, 1.0 / 3.0, 123456.789, 65536.0, 1e100};
    for (int i = 0; i < COUNT(v); i++) {
        for (int j = 0; j < COUNT(v); j += 3) {
            volatile double r = add(v[i], v[j]);
            put_double(r), sp();
            r = sub(v[i], v[j]), put_double(r), sp();
            r = mul(v[i], v[j]), put_double(r), sp();
            r = quo(v[i], v[j]), put_double(r), nl();
        }
        if (i < 9) {
            volatile float a = (float)v[i], b = (float)v[(i + 4) % 9], r;
            r = fadd(a, b), put_float(r), sp();
            r = fmul(a, b), put_float(r), sp();
            r = fquo(a, b), put_float(r), sp();
            r = -a, put_float(r), sp();
            r = __builtin_fabsf(b), put_float(r), nl();
        }
        volatile double n = -v[i], m = __builtin_fabs(v[i]);
        put_double(n), sp(), put_double(m), sp(), put_double(root(m)), nl();
    }
    volatile double sum = 0.0;
    for (int i = 1; i <= 1000; i++)
        sum += 1.0 / i;
    say_double("harmonic", sum);
    volatile float fsum = 0.0f;
    for (int i = 1; i <= 1000; i++)
        fsum += 1.0f / (float)i;
    put_float(fsum), nl();
    return done(-1);
}
