/* Hash tables: chained with a pool, and open addressing with deletion; the same operations must give the same answers. */
#include "out.h"

enum { POOL = 300, HEADS = 64, SLOTS = 512 };
struct node {
    u32 key, value;
    struct node *next;
};
static struct node pool[POOL], *heads[HEADS], *unused;
static struct {
    u32 key, value;
    u8 state;
} slots[SLOTS];

static u32 mix(u32 x) {
    x ^= x >> 16, x *= 0x7feb352du, x ^= x >> 15, x *= 0x846ca68bu;
    return x ^ x >> 16;
}
static NOINLINE void set1(u32 key, u32 value) {
    struct node **p = &heads[mix(key) % HEADS];
    for (; *p; p = &(*p)->next)
        if ((*p)->key == key) {
            (*p)->value = value;
            return;
        }
    struct node *n = unused;
    unused = n->next;
    n->key = key, n->value = value, n->next = 0, *p = n;
}
static NOINLINE i32 get1(u32 key) {
    for (struct node *n = heads[mix(key) % HEADS]; n; n = n->next)
        if (n->key == key)
            return (i32)n->value;
    return -1;
}
static NOINLINE int drop1(u32 key) {
    for (struct node **p = &heads[mix(key) % HEADS]; *p; p = &(*p)->next)
        if ((*p)->key == key) {
            struct node *n = *p;
            *p = n->next, n->next = unused, unused = n;
            return 1;
        }
    return 0;
}
static NOINLINE int locate(u32 key, int insert) {
    int grave = -1;
    for (u32 i = mix(key), n = 0; n < SLOTS; i += 2 * n++ + 1) {
        int at = (int)(i % SLOTS);
        if (slots[at].state == 0)
            return insert ? (grave >= 0 ? grave : at) : -1;
        if (slots[at].state == 2 && grave < 0)
            grave = at;
        if (slots[at].state == 1 && slots[at].key == key)
            return at;
    }
    return insert ? grave : -1;
}

int main(void) {
    for (int i = 0; i < POOL; i++)
        pool[i].next = i + 1 < POOL ? &pool[i + 1] : 0;
    unused = pool;
    int bad = 0, sets = 0, drops = 0, hits = 0;
    u32 sum = 0;
    for (int step = 0; step < 3000; step++) {
        u32 r = next_random(), key = (r >> 8) % 250 * 7919u;
        if (r % 5 < 2) {
            set1(key, r & 0xffff);
            int at = locate(key, 1);
            slots[at].key = key, slots[at].value = r & 0xffff, slots[at].state = 1;
            sets++;
        } else if (r % 5 == 2) {
            int a = drop1(key), at = locate(key, 0);
            if (at >= 0)
                slots[at].state = 2;
            bad += a != (at >= 0);
            drops += a;
        } else {
            i32 a = get1(key);
            int at = locate(key, 0);
            bad += a != (at < 0 ? -1 : (i32)slots[at].value);
            hits += a >= 0;
            sum = sum * 17 + (u32)a;
        }
        if (step % 250 == 0)
            put_i32(sets), sp(), put_i32(drops), sp(), put_i32(hits), sp(), put_hex(sum, 8), nl();
    }
    int longest = 0;
    for (int i = 0; i < HEADS; i++) {
        int n = 0;
        for (struct node *p = heads[i]; p; p = p->next)
            n++;
        put_i32(n), sp();
        if (n > longest)
            longest = n;
    }
    nl(), say_i32("longest", longest), say_i32("bad", bad);
    return done(bad ? 1 : longest);
}
