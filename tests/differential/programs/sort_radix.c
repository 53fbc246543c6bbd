/* Radix and counting sorts of integers, strings and structs (stable), and a binary search in the result. */
#include "out.h"

enum { N = 200 };
struct item {
    u32 key;
    u16 serial;
};
static struct item items[N], spare[N];
static const char *names[] = {"pear", "fig", "apple", "plum", "date", "kiwi", "lime", "grape", "peach", "app", "", "figs"};

static NOINLINE void radix(void) {
    struct item *from = items, *to = spare;
    for (int shift = 0; shift < 32; shift += 8) {
        u32 at[257] = {0};
        for (int i = 0; i < N; i++)
            at[(from[i].key >> shift & 255) + 1]++;
        for (int i = 0; i < 256; i++)
            at[i + 1] += at[i];
        for (int i = 0; i < N; i++)
            to[at[from[i].key >> shift & 255]++] = from[i];
        struct item *t = from;
        from = to, to = t;
    }
}
static NOINLINE int search(u32 key) {
    int low = 0, high = N;
    while (low < high) {
        int mid = (low + high) >> 1;
        if (items[mid].key < key)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}
static NOINLINE void strings(int low, int high, int depth) {
    while (high - low > 1) {
        int lt = low, gt = high;
        u8 pivot = (u8)names[low][depth];
        for (int i = low + 1; i < gt;) {
            u8 c = (u8)names[i][depth];
            const char *t = names[i];
            if (c < pivot)
                names[i++] = names[lt], names[lt++] = t;
            else if (c > pivot)
                names[i] = names[--gt], names[gt] = t;
            else
                i++;
        }
        strings(low, lt, depth);
        if (pivot)
            strings(lt, gt, depth + 1);
        low = gt;
    }
}

int main(void) {
    for (u16 i = 0; i < N; i++)
        items[i].key = next_random() >> (i % 28), items[i].serial = i;
    items[7].key = items[150].key = items[60].key;
    radix();
    int bad = 0;
    for (int i = 0; i < N; i++) {
        if (i)
            bad += items[i].key < items[i - 1].key ||
                   (items[i].key == items[i - 1].key && items[i].serial < items[i - 1].serial);
        if (i % 4 == 0)
            put_hex(items[i].key, 8), put_char('#'), put_u32(items[i].serial), put_char(i % 24 == 20 ? '\n' : ' ');
    }
    nl();
    for (u32 k = 1; k; k <<= 1)
        put_i32(search(k)), sp();
    nl();
    strings(0, COUNT(names), 0);
    for (int i = 0; i < COUNT(names); i++)
        put(names[i]), put_char(',');
    nl();
    say_i32("bad", bad);
    return done(bad ? 1 : -1);
}
