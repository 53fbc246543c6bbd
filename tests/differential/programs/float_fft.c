/* A fast Fourier transform forward and back, with sines by recurrence; convolution; single precision filters. */
#include "out.h"

enum { N = 32 };
static double re[N], im[N];

static NOINLINE void fft(int back) {
    for (int i = 1, j = 0; i < N; i++) {
        int bit = N >> 1;
        for (; j & bit; bit >>= 1)
            j ^= bit;
        j |= bit;
        if (i < j) {
            double t = re[i];
            re[i] = re[j], re[j] = t, t = im[i], im[i] = im[j], im[j] = t;
        }
    }
    /* cos and sin of pi/(length/2): -1 0, then by the half angle. */
    static const double c[] = {-1.0, 0.0, 0.7071067811865476, 0.9238795325112867, 0.9807852804032304};
    static const double s[] = {0.0, 1.0, 0.7071067811865475, 0.3826834323650898, 0.19509032201612825};
    for (int length = 2, k = 0; length <= N; length <<= 1, k++)
        for (int i = 0; i < N; i += length) {
            volatile double wr = 1, wi = 0;
            for (int j = 0; j < length / 2; j++) {
                int a = i + j, b = a + length / 2;
                volatile double xr = re[b] * wr - im[b] * wi, xi = re[b] * wi + im[b] * wr;
                volatile double tr = re[a] - xr, ti = im[a] - xi;
                re[a] = re[a] + xr, im[a] = im[a] + xi, re[b] = tr, im[b] = ti;
                volatile double sn = back ? -s[k] : s[k];
                volatile double nr = wr * c[k] - wi * sn;
                wi = wr * sn + wi * c[k], wr = nr;
            }
        }
    if (back)
        for (int i = 0; i < N; i++)
            re[i] /= N, im[i] /= N;
}

int main(void) {
    for (int i = 0; i < N; i++)
        re[i] = (double)(i * i % 17) - 8, im[i] = 0;
    fft(0);
    for (int i = 0; i < N; i++)
        put_double(re[i]), sp(), put_double(im[i]), nl();
    fft(1);
    int bad = 0;
    for (int i = 0; i < N; i++) {
        double error = re[i] - ((double)(i * i % 17) - 8);
        bad += error > 1e-12 || error < -1e-12;
    }
    say_i32("bad", bad);
    float y = 0, x[24];
    for (int i = 0; i < 24; i++)
        x[i] = (float)(i % 5) * 0.3f;
    for (int i = 2; i < 24; i++) {
        volatile float a = x[i] * 0.2f, b = x[i - 1] * 0.3f, c = x[i - 2] * 0.5f, d = y * 0.9f;
        volatile float e = a + b, f = c - d;
        y = e + f;
        put_float(y), put_char(i % 8 == 7 ? '\n' : ' ');
    }
    return done(bad);
}
