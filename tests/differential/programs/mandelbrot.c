/* The Mandelbrot set in fixed point (32 x 32 -> 64), in double and in float; the pictures are printed. */
#include "out.h"

static NOINLINE int fixed(i32 cr, i32 ci) {
    i32 zr = 0, zi = 0;
    for (int n = 0; n < 40; n++) {
        i32 r2 = (i32)((i64)zr * zr >> 24), i2 = (i32)((i64)zi * zi >> 24);
        if (r2 + i2 > 4 << 24)
            return n;
        zi = (i32)((i64)zr * zi >> 23) + ci, zr = r2 - i2 + cr;
    }
    return 40;
}
static NOINLINE int doubles(double cr, double ci) {
    volatile double zr = 0, zi = 0;
    for (int n = 0; n < 40; n++) {
        volatile double r2 = zr * zr, i2 = zi * zi, x = zr * zi;
        if (r2 + i2 > 4)
            return n;
        zi = x * 2 + ci, zr = r2 - i2, zr = zr + cr;
    }
    return 40;
}
static NOINLINE int floats(float cr, float ci) {
    volatile float zr = 0, zi = 0;
    for (int n = 0; n < 40; n++) {
        volatile float r2 = zr * zr, i2 = zi * zi, x = zr * zi, s = r2 + i2;
        if (s > 4)
            return n;
        zi = x * 2 + ci, zr = r2 - i2, zr = zr + cr;
    }
    return 40;
}

int main(void) {
    int different = 0;
    for (int y = -8; y <= 8; y++) {
        for (int x = -34; x <= 16; x++) {
            int n = fixed(x * (1 << 20), y * (1 << 24) / 7), d = doubles(x / 16.0, y / 7.0);
            int f = floats((float)x / 16.0f, (float)y / 7.0f);
            different += n != d, different += f != d;
            put_char(" .,:;-=+*#%@"[n >= 40 ? 11 : n % 11]);
        }
        nl();
    }
    say_i32("different", different);
    return done(-1);
}
