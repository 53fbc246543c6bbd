/* Linear equations by Gauss with pivoting, matrix products, eigenvalue by iteration, polynomial evaluation. */
#include "out.h"

enum { N = 8 };
static double a[N][N + 1], b[N][N], x[N];

static NOINLINE int solve(void) {
    for (int k = 0; k < N; k++) {
        int p = k;
        for (int i = k + 1; i < N; i++)
            if (__builtin_fabs(a[i][k]) > __builtin_fabs(a[p][k]))
                p = i;
        if (a[p][k] == 0)
            return 0;
        for (int j = k; j <= N; j++) {
            double t = a[k][j];
            a[k][j] = a[p][j], a[p][j] = t;
        }
        for (int i = k + 1; i < N; i++) {
            volatile double f = a[i][k] / a[k][k];
            for (int j = k; j <= N; j++) {
                volatile double d = f * a[k][j];
                a[i][j] -= d;
            }
        }
    }
    for (int i = N; i--;) {
        volatile double s = a[i][N];
        for (int j = i + 1; j < N; j++) {
            volatile double d = a[i][j] * x[j];
            s -= d;
        }
        x[i] = s / a[i][i];
    }
    return 1;
}
static NOINLINE double horner(const float *c, int n, double t) {
    volatile double r = 0;
    while (n--)
        r = r * t + c[n];
    return r;
}

int main(void) {
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++)
            b[i][j] = a[i][j] = (double)((i * 7 + j * 3 + i * j * j) % 19) - 9.25;
        a[i][N] = i * 1.5 - 2;
    }
    say_i32("solved", solve());
    for (int i = 0; i < N; i++)
        put_double(x[i]), nl();
    for (int i = 0; i < N; i++) {
        volatile double s = 0;
        for (int j = 0; j < N; j++)
            s += b[i][j] * x[j];
        double error = s - (i * 1.5 - 2);
        put_i32(error < 1e-9 && error > -1e-9), sp();
    }
    nl();
    double v[N] = {1, 1, 1, 1, 1, 1, 1, 1};
    volatile double lambda = 0;
    for (int n = 0; n < 30; n++) {
        double w[N];
        lambda = 0;
        for (int i = 0; i < N; i++) {
            volatile double s = 0;
            for (int j = 0; j < N; j++) {
                volatile double d = (b[i][j] + b[j][i]) * v[j];
                s += d;
            }
            w[i] = s;
            if (__builtin_fabs(s) > lambda)
                lambda = __builtin_fabs(s);
        }
        for (int i = 0; i < N; i++) {
            volatile double q = w[i] / lambda;
            v[i] = q;
        }
    }
    say_double("lambda", lambda);
    static const float c[] = {1.5f, -2.0f, 0.25f, 3.0f, -0.125f};
    for (int i = -3; i < 4; i++)
        put_double(horner(c, 5, i * 0.7)), nl();
    return done(-1);
}
