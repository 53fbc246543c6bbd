/* Seven comparison sorts over the same data of several shapes; all must give one order. */
#include "out.h"

enum { N = 150 };
static i32 data[N], work[N], other[N];
static u32 compares;

static int less(i32 a, i32 b) { return compares++, a < b; }
static void exchange(i32 *a, i32 *b) {
    i32 t = *a;
    *a = *b, *b = t;
}
static NOINLINE void bubble(i32 *v, int n) {
    for (int end = n; end > 1; end--)
        for (int i = 1; i < end; i++)
            if (less(v[i], v[i - 1]))
                exchange(v + i, v + i - 1);
}
static NOINLINE void insertion(i32 *v, int n) {
    for (int i = 1; i < n; i++) {
        i32 x = v[i];
        int j = i;
        for (; j && less(x, v[j - 1]); j--)
            v[j] = v[j - 1];
        v[j] = x;
    }
}
static NOINLINE void selection(i32 *v, int n) {
    for (int i = 0; i < n - 1; i++) {
        int k = i;
        for (int j = i + 1; j < n; j++)
            if (less(v[j], v[k]))
                k = j;
        exchange(v + i, v + k);
    }
}
static NOINLINE void shell(i32 *v, int n) {
    for (int gap = 57; gap; gap = gap == 57 ? 23 : gap == 23 ? 10 : gap == 10 ? 4 : gap == 4 ? 1 : 0)
        for (int i = gap; i < n; i++)
            for (int j = i; j >= gap && less(v[j], v[j - gap]); j -= gap)
                exchange(v + j, v + j - gap);
}
static NOINLINE void sift(i32 *v, int i, int n) {
    for (int c; (c = 2 * i + 1) < n; i = c) {
        if (c + 1 < n && less(v[c], v[c + 1]))
            c++;
        if (!less(v[i], v[c]))
            return;
        exchange(v + i, v + c);
    }
}
static NOINLINE void heap(i32 *v, int n) {
    for (int i = n / 2; i--;)
        sift(v, i, n);
    while (n-- > 1)
        exchange(v, v + n), sift(v, 0, n);
}
static NOINLINE void quick(i32 *v, int n) {
    while (n > 1) {
        i32 pivot = v[n / 2];
        int i = 0, j = n - 1;
        for (;; i++, j--) {
            while (less(v[i], pivot))
                i++;
            while (less(pivot, v[j]))
                j--;
            if (i >= j)
                break;
            exchange(v + i, v + j);
        }
        quick(v, i);
        v += i, n -= i;
        if (!i)
            v++, n--;
    }
}
static NOINLINE void merge(i32 *v, int n) {
    if (n < 2)
        return;
    int half = n / 2, a = 0, b = half, k = 0;
    merge(v, half), merge(v + half, n - half);
    while (a < half || b < n)
        other[k++] = b >= n || (a < half && !less(v[b], v[a])) ? v[a++] : v[b++];
    for (k = 0; k < n; k++)
        v[k] = other[k];
}

int main(void) {
    static void (*const sorts[])(i32 *, int) = {bubble, insertion, selection, shell, heap, quick, merge};
    int bad = 0;
    for (int shape = 0; shape < 5; shape++) {
        for (int i = 0; i < N; i++)
            data[i] = shape == 0 ? (i32)next_random() : shape == 1 ? i : shape == 2 ? -i : shape == 3 ? i % 7 : (i32)(next_random() % 20) - 10;
        u32 first = 0;
        for (int s = 0; s < COUNT(sorts); s++) {
            for (int i = 0; i < N; i++)
                work[i] = data[i];
            compares = 0;
            sorts[s](work, N);
            u32 mix = 0;
            for (int i = 0; i < N; i++) {
                mix = mix * 31 + (u32)work[i];
                bad += i && work[i - 1] > work[i];
            }
            put_u32(compares), sp();
            if (!s)
                first = mix;
            bad += mix != first;
        }
        put_hex(first, 8), nl();
    }
    say_i32("bad", bad);
    return done(bad ? 1 : 20);
}
