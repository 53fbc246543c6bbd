/* An AVL tree and a treap: insertion, deletion, search, order, heights; the two must hold the same keys. */
#include "out.h"

struct node {
    struct node *child[2];
    i32 key;
    u32 priority;
    i8 height;
};
static struct node pool[500];
static int used;

static struct node *make(i32 key) {
    struct node *n = &pool[used++];
    n->child[0] = n->child[1] = 0, n->key = key, n->priority = next_random(), n->height = 1;
    return n;
}
static int height(const struct node *n) { return n ? n->height : 0; }
static void update(struct node *n) {
    int a = height(n->child[0]), b = height(n->child[1]);
    n->height = (i8)((a > b ? a : b) + 1);
}
static NOINLINE struct node *rotate(struct node *n, int side) {
    struct node *up = n->child[!side];
    n->child[!side] = up->child[side], up->child[side] = n;
    update(n), update(up);
    return up;
}
static NOINLINE struct node *balance(struct node *n) {
    update(n);
    int lean = height(n->child[1]) - height(n->child[0]);
    if (lean > 1 || lean < -1) {
        int side = lean > 0;
        struct node *c = n->child[side];
        if (height(c->child[!side]) > height(c->child[side]))
            n->child[side] = rotate(c, side);
        return rotate(n, !side);
    }
    return n;
}
static NOINLINE struct node *avl_insert(struct node *n, i32 key) {
    if (!n)
        return make(key);
    if (key != n->key)
        n->child[key > n->key] = avl_insert(n->child[key > n->key], key);
    return balance(n);
}
static NOINLINE struct node *avl_remove(struct node *n, i32 key) {
    if (!n)
        return 0;
    if (key != n->key)
        n->child[key > n->key] = avl_remove(n->child[key > n->key], key);
    else if (!n->child[0])
        return n->child[1];
    else {
        struct node *most = n->child[0];
        while (most->child[1])
            most = most->child[1];
        n->key = most->key;
        n->child[0] = avl_remove(n->child[0], most->key);
    }
    return balance(n);
}
static NOINLINE struct node *treap_insert(struct node *n, i32 key) {
    if (!n)
        return make(key);
    if (key == n->key)
        return n;
    int side = key > n->key;
    n->child[side] = treap_insert(n->child[side], key);
    return n->child[side]->priority > n->priority ? rotate(n, !side) : n;
}
static NOINLINE struct node *treap_remove(struct node *n, i32 key) {
    if (!n)
        return 0;
    if (key != n->key) {
        n->child[key > n->key] = treap_remove(n->child[key > n->key], key);
        return n;
    }
    if (!n->child[0] || !n->child[1])
        return n->child[!n->child[0]];
    int side = n->child[1]->priority > n->child[0]->priority;
    n = rotate(n, !side);
    n->child[!side] = treap_remove(n->child[!side], key);
    return n;
}
static NOINLINE u32 walk(const struct node *n, u32 sum, int *count) {
    if (!n)
        return sum;
    sum = walk(n->child[0], sum, count);
    (*count)++;
    return walk(n->child[1], sum * 31 + (u32)n->key, count);
}

int main(void) {
    struct node *avl = 0, *treap = 0;
    int bad = 0;
    for (int i = 0; i < 200; i++) {
        i32 key = (i32)(next_random() % 300);
        avl = avl_insert(avl, key), treap = treap_insert(treap, key);
        if (i % 3 == 2) {
            key = (i32)(next_random() % 300);
            avl = avl_remove(avl, key), treap = treap_remove(treap, key);
        }
        int a = 0, b = 0;
        u32 x = walk(avl, 7, &a), y = walk(treap, 7, &b);
        bad += x != y || a != b;
        if (i % 20 == 19)
            put_i32(a), sp(), put_i32(height(avl)), sp(), put_hex(x, 8), sp(), put_i32(avl->key), nl();
    }
    struct node *line = 0;
    for (int i = 0; i < 64; i++)
        line = avl_insert(line, i);
    put_i32(height(line)), sp(), put_i32(line->key), nl();
    say_i32("bad", bad), say_i32("used", used);
    return done(bad ? 1 : height(avl));
}
