/* Tables: longest common subsequence, edit distance, knapsack, coin change, matrix chain, increasing subsequence. */
#include "out.h"

static int max(int a, int b) { return a > b ? a : b; }
static int min(int a, int b) { return a < b ? a : b; }
static int length(const char *s) { return *s ? 1 + length(s + 1) : 0; }

static NOINLINE int lcs(const char *a, const char *b) {
    static u8 t[40][40];
    int n = length(a), m = length(b);
    for (int i = n; i >= 0; i--)
        for (int j = m; j >= 0; j--)
            t[i][j] = (u8)(i == n || j == m ? 0 : a[i] == b[j] ? t[i + 1][j + 1] + 1 : max(t[i + 1][j], t[i][j + 1]));
    for (int i = 0, j = 0; i < n && j < m;)
        if (a[i] == b[j])
            put_char(a[i]), i++, j++;
        else if (t[i + 1][j] >= t[i][j + 1])
            i++;
        else
            j++;
    sp();
    return t[0][0];
}
static NOINLINE int edit(const char *a, const char *b) {
    int n = length(a), m = length(b), row[40];
    for (int j = 0; j <= m; j++)
        row[j] = j;
    for (int i = 1; i <= n; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= m; j++) {
            int t = row[j];
            row[j] = min(min(row[j], row[j - 1]) + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = t;
        }
    }
    return row[m];
}
static NOINLINE int knapsack(const int *weight, const int *value, int n, int room) {
    int best[101] = {0};
    for (int i = 0; i < n; i++)
        for (int w = room; w >= weight[i]; w--)
            best[w] = max(best[w], best[w - weight[i]] + value[i]);
    return best[room];
}
static NOINLINE u32 coins(int n) {
    static const int coin[] = {1, 2, 5, 10, 20, 50, 100};
    u32 ways[301] = {1};
    for (int i = 0; i < COUNT(coin); i++)
        for (int s = coin[i]; s <= n; s++)
            ways[s] += ways[s - coin[i]];
    return ways[n];
}
static NOINLINE u32 chain(const u16 *d, int n) {
    u32 cost[10][10];
    for (int i = 0; i < n; i++)
        cost[i][i] = 0;
    for (int span = 1; span < n; span++)
        for (int i = 0; i + span < n; i++) {
            int j = i + span;
            cost[i][j] = ~0u;
            for (int k = i; k < j; k++) {
                u32 c = cost[i][k] + cost[k + 1][j] + (u32)d[i] * d[k + 1] * d[j + 1];
                if (c < cost[i][j])
                    cost[i][j] = c;
            }
        }
    return cost[0][n - 1];
}
static NOINLINE int increasing(const i16 *v, int n) {
    i16 tail[64];
    int used = 0;
    for (int i = 0; i < n; i++) {
        int low = 0, high = used;
        while (low < high) {
            int mid = (low + high) / 2;
            if (tail[mid] < v[i])
                low = mid + 1;
            else
                high = mid;
        }
        tail[low] = v[i];
        if (low == used)
            used++;
    }
    return used;
}

int main(void) {
    static const char *const words[] = {"kitten", "sitting", "saturday", "sunday", "nextstep", "openstep", "motorola", "m68k"};
    for (int i = 0; i < 8; i += 2)
        put_i32(lcs(words[i], words[i + 1])), sp(), put_i32(edit(words[i], words[i + 1])), nl();
    int w[15], v[15];
    for (int i = 0; i < 15; i++)
        w[i] = 5 + (i * 17) % 23, v[i] = 10 + (i * 29) % 41;
    for (int room = 10; room <= 100; room += 15)
        put_i32(knapsack(w, v, 15, room)), sp();
    nl();
    for (int n = 5; n <= 300; n += 59)
        put_u32(coins(n)), sp();
    nl();
    static const u16 d[] = {30, 35, 15, 5, 10, 20, 25, 40, 8};
    for (int n = 2; n < 9; n++)
        put_u32(chain(d, n)), sp();
    nl();
    i16 s[60];
    for (int i = 0; i < 60; i++)
        s[i] = (i16)((int)(next_random() % 500) - 250 + i);
    for (int n = 10; n <= 60; n += 10)
        put_i32(increasing(s, n)), sp();
    nl();
    return done(-1);
}
