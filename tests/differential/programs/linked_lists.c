/* Lists, single and double, in a pool: insert, reverse, merge sort, Josephus, a queue, a deque, cycle detection. */
#include "out.h"

struct node {
    struct node *next, *back;
    i32 value;
};
static struct node pool[80];
static int used;

static struct node *make(i32 v, struct node *next) {
    struct node *n = &pool[used++];
    n->value = v, n->next = next, n->back = 0;
    return n;
}
static void show(const struct node *n) {
    for (; n; n = n->next)
        put_i32(n->value), sp();
    nl();
}
static NOINLINE struct node *reverse(struct node *n) {
    struct node *r = 0;
    while (n) {
        struct node *t = n->next;
        n->next = r, r = n, n = t;
    }
    return r;
}
static NOINLINE struct node *merge(struct node *a, struct node *b) {
    struct node *head = 0, **tail = &head;
    while (a && b) {
        struct node **least = b->value < a->value ? &b : &a;
        *tail = *least, tail = &(*tail)->next, *least = (*least)->next;
    }
    *tail = a ? a : b;
    return head;
}
static NOINLINE struct node *sort(struct node *n) {
    if (!n || !n->next)
        return n;
    struct node *slow = n, *fast = n->next;
    while (fast && fast->next)
        slow = slow->next, fast = fast->next->next;
    fast = slow->next, slow->next = 0;
    return merge(sort(n), sort(fast));
}
static NOINLINE i32 josephus(int n, int step) {
    used = 0;
    struct node *last = make(n, 0), *first = last;
    for (int i = n - 1; i; i--)
        first = make(i, first);
    last->next = first;
    struct node *at = last;
    while (at->next != at) {
        for (int i = 1; i < step; i++)
            at = at->next;
        if (n < 9)
            put_i32(at->next->value), put_char('.');
        at->next = at->next->next;
    }
    return at->value;
}
static NOINLINE int cycle(struct node *n) {
    struct node *slow = n, *fast = n;
    int steps = 0;
    while (fast && fast->next) {
        slow = slow->next, fast = fast->next->next, steps++;
        if (slow == fast)
            return steps;
    }
    return 0;
}

int main(void) {
    struct node *list = 0;
    for (int i = 0; i < 25; i++)
        list = make((i32)(next_random() % 200) - 100, list);
    show(list);
    list = reverse(list), show(list);
    list = sort(list), show(list);
    say_i32("cycle", cycle(list));
    struct node *end = list;
    while (end->next)
        end = end->next;
    end->next = list->next->next->next;
    say_i32("cycle", cycle(list));
    for (int n = 1; n < 40; n += 6)
        put_i32(josephus(n, 3)), sp();
    nl();
    used = 0;
    struct node ring = {&ring, &ring, 0};
    for (int i = 0; i < 30; i++) {
        struct node *n = make(i * i, 0), *where = i % 3 ? ring.back : &ring;
        n->back = where, n->next = where->next, where->next->back = n, where->next = n;
        if (i % 4 == 3) {
            struct node *out = i & 4 ? ring.next : ring.back;
            out->back->next = out->next, out->next->back = out->back;
            put_i32(out->value), sp();
        }
    }
    nl();
    i32 forward = 0, backward = 0;
    for (struct node *n = ring.next; n != &ring; n = n->next)
        forward = (i32)((u32)forward * 3u + (u32)n->value);
    for (struct node *n = ring.back; n != &ring; n = n->back)
        backward = (i32)((u32)backward * 5u + (u32)n->value);
    say_hex("forward", (u32)forward), say_hex("backward", (u32)backward);
    return done(-1);
}
