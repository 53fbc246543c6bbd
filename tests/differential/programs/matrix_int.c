/* Integer matrices: product, transpose, power modulo a prime, determinant by fraction-free elimination, spirals. */
#include "out.h"

enum { N = 7 };
typedef i32 matrix[N][N];

static NOINLINE void multiply(matrix c, matrix a, matrix b, i32 mod) {
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            i64 s = 0;
            for (int k = 0; k < N; k++)
                s += (i64)a[i][k] * b[k][j];
            c[i][j] = (i32)(s % mod);
        }
}
static NOINLINE void power(matrix r, matrix a, u32 n, i32 mod) {
    matrix t;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            r[i][j] = i == j;
    for (; n; n >>= 1) {
        if (n & 1) {
            multiply(t, r, a, mod);
            __builtin_memcpy(r, t, sizeof t);
        }
        multiply(t, a, a, mod);
        __builtin_memcpy(a, t, sizeof t);
    }
}
static NOINLINE i64 determinant(int n, i64 m[6][6]) {
    i64 last = 1, sign = 1;
    for (int k = 0; k < n - 1; k++) {
        int p = k;
        while (p < n && !m[p][k])
            p++;
        if (p == n)
            return 0;
        if (p != k) {
            sign = -sign;
            for (int j = 0; j < n; j++) {
                i64 t = m[k][j];
                m[k][j] = m[p][j], m[p][j] = t;
            }
        }
        for (int i = k + 1; i < n; i++)
            for (int j = k + 1; j < n; j++)
                m[i][j] = (m[i][j] * m[k][k] - m[i][k] * m[k][j]) / last;
        last = m[k][k];
    }
    return sign * m[n - 1][n - 1];
}
static void show(matrix m) {
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            put_i32(m[i][j]), put_char(j == N - 1 ? '\n' : ' ');
}

int main(void) {
    static matrix a, b, c;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            a[i][j] = i * j - 5 + i, b[i][j] = (i + 2 * j) % 11 - 4;
    multiply(c, a, b, 1000000007);
    show(c);
    for (int i = 0; i < N; i++)
        for (int j = 0; j < i; j++) {
            i32 t = c[i][j];
            c[i][j] = c[j][i], c[j][i] = t;
        }
    show(c);
    power(b, c, 123456789u, 10007);
    show(b);
    for (int n = 1; n <= 6; n++) {
        i64 m[6][6];
        for (int i = 0; i < 6; i++)
            for (int j = 0; j < 6; j++)
                m[i][j] = (i64)((i * 7 + j * j * 3 + i * j) % 13) - 6;
        m[0][0] = 0;
        put_i64(determinant(n, m)), sp();
    }
    nl();
    int spiral[5][8], top = 0, left = 0, bottom = 4, right = 7, n = 0;
    while (top <= bottom && left <= right) {
        for (int j = left; j <= right; j++)
            spiral[top][j] = n++;
        for (int i = ++top; i <= bottom; i++)
            spiral[i][right] = n++;
        right--;
        if (top <= bottom) {
            for (int j = right; j >= left; j--)
                spiral[bottom][j] = n++;
            bottom--;
        }
        if (left <= right) {
            for (int i = bottom; i >= top; i--)
                spiral[i][left] = n++;
            left++;
        }
    }
    for (int i = 0; i < 5; i++)
        for (int j = 0; j < 8; j++)
            put_i32(spiral[i][j]), put_char(j == 7 ? '\n' : ' ');
    return done(-1);
}
