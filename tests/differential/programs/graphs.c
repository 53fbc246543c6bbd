/* Graphs: Dijkstra, Floyd, breadth first, topological order, spanning tree with union-find, maze flood fill. */
#include "out.h"

enum { N = 16, FAR = 1000000 };
static i32 cost[N][N], all[N][N];

static NOINLINE void dijkstra(int from, i32 *d) {
    u8 seen[N] = {0};
    for (int i = 0; i < N; i++)
        d[i] = i == from ? 0 : FAR;
    for (int k = 0; k < N; k++) {
        int best = -1;
        for (int i = 0; i < N; i++)
            if (!seen[i] && (best < 0 || d[i] < d[best]))
                best = i;
        seen[best] = 1;
        for (int i = 0; i < N; i++)
            if (d[best] + cost[best][i] < d[i])
                d[i] = d[best] + cost[best][i];
    }
}
static NOINLINE void floyd(void) {
    for (int k = 0; k < N; k++)
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++)
                if (all[i][k] + all[k][j] < all[i][j])
                    all[i][j] = all[i][k] + all[k][j];
}
static u8 parent[N];
static int root(int x) {
    while (parent[x] != x)
        x = parent[x] = parent[parent[x]];
    return x;
}
static NOINLINE int kruskal(void) {
    int total = 0;
    for (u8 i = 0; i < N; i++)
        parent[i] = i;
    for (i32 w = 1; w < 100; w++)
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++)
                if (cost[i][j] == w && root(i) != root(j))
                    parent[root(i)] = (u8)root(j), total += w;
    return total;
}
static NOINLINE void topological(void) {
    int degree[N] = {0};
    for (int i = 0; i < N; i++)
        for (int j = i + 1; j < N; j++)
            degree[j] += cost[i][j] < FAR;
    for (int n = 0; n < N; n++) {
        int at = N - 1;
        while (degree[at])
            at--;
        put_i32(at), sp(), degree[at] = -1;
        for (int j = at + 1; j < N; j++)
            degree[j] -= cost[at][j] < FAR;
    }
    nl();
}
static NOINLINE void flood(void) {
    static char maze[11][21];
    u8 queue[256], x[2] = {1, 0};
    int head = 0, tail = 0;
    for (int i = 0; i < 11; i++)
        for (int j = 0; j < 21; j++)
            maze[i][j] = !i || !j || i == 10 || j == 20 || (!(i & 1) && !(j & 1)) ? '#' : ' ';
    for (int i = 2; i < 10; i += 2)
        for (int j = 2; j < 20; j += 2) {
            u32 r = next_random() >> 7 & 3;
            maze[i + (r == 0) - (r == 1)][j + (r == 2) - (r == 3)] = '#';
        }
    (void)x;
    maze[1][1] = 'a', queue[tail++] = 1 * 21 + 1;
    while (head < tail) {
        int i = queue[head] / 21, j = queue[head] % 21;
        head++;
        for (int k = 0; k < 4; k++) {
            int y = i + (k == 0) - (k == 1), z = j + (k == 2) - (k == 3);
            if (maze[y][z] == ' ')
                maze[y][z] = (char)('a' + (maze[i][j] - 'a' + 1) % 26), queue[tail++] = (u8)(y * 21 + z);
        }
    }
    for (int i = 0; i < 11; i++, nl())
        for (int j = 0; j < 21; j++)
            put_char(maze[i][j]);
}

int main(void) {
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            cost[i][j] = all[i][j] = i == j ? 0 : next_random() % 4 ? FAR : (i32)(next_random() % 60) + 1;
    floyd();
    int bad = 0;
    for (int i = 0; i < N; i++) {
        i32 d[N];
        dijkstra(i, d);
        for (int j = 0; j < N; j++)
            bad += d[j] != all[i][j], put_i32(d[j] == FAR ? -1 : d[j]), sp();
        nl();
    }
    say_i32("tree", kruskal());
    topological();
    flood();
    return done(bad ? 1 : 16);
}
