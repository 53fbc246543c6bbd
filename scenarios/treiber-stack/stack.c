/* A Treiber stack whose top has a count of pops beside it. */

struct node {
    struct node *next;
};

/* Popped and pushed again, a node is the same address; the count is not the same. cas2 compares both. */
static struct {
    struct node *volatile first;
    volatile unsigned pops;
} top;

static struct node nodes[3];
static struct node *taken[3];

static int swing(struct node *expected, unsigned pops, struct node *desired, unsigned new_pops)
{
    register struct node *d0 __asm__("d0") = expected;
    register unsigned d1 __asm__("d1") = pops;
    register struct node *d2 __asm__("d2") = desired;
    register unsigned d3 __asm__("d3") = new_pops;
    register struct node *volatile *a0 __asm__("a0") = &top.first;
    register volatile unsigned *a1 __asm__("a1") = &top.pops;

    __asm__ volatile(".short 0x0efc,0x8080,0x90c1" /* cas2.l %d0:%d1,%d2:%d3,(%a0):(%a1) */
                     : "+d"(d0), "+d"(d1)
                     : "d"(d2), "d"(d3), "a"(a0), "a"(a1)
                     : "cc", "memory");
    return d0 == expected && d1 == pops;
}

static void push(struct node *node)
{
    struct node *seen;
    unsigned pops;

    do {
        pops = top.pops;
        seen = top.first;
        node->next = seen;
    } while (!swing(seen, pops, node, pops));
}

static struct node *pop(void)
{
    struct node *seen;
    unsigned pops;

    do {
        pops = top.pops;
        seen = top.first;
        if (!seen)
            return 0;
    } while (!swing(seen, pops, *(struct node *volatile *)&seen->next, pops + 1));
    return seen;
}

void nextrust_setup(void)
{
    int index;

    top.first = 0;
    top.pops = 0;
    for (index = 2; index >= 0; index--) {
        taken[index] = 0;
        push(&nodes[index]);
    }
}

/* Pops one node and keeps it. */
void nextrust_thread_0(void)
{
    taken[0] = pop();
}

/* Pops two and pushes the first again: the top is as thread 0 may have seen it, what is below is not. */
void nextrust_thread_1(void)
{
    taken[1] = pop();
    taken[2] = pop();
    if (taken[1]) {
        push(taken[1]);
        taken[1] = 0;
    }
}

/* Every node is on the stack or with one thread, and no node is twice anywhere. */
int nextrust_check(void)
{
    int count[3] = {0, 0, 0}, index, steps = 0;
    struct node *node;

    for (node = top.first; node; node = node->next) {
        if (++steps > 3)
            return 1; /* a ring */
        count[node - nodes]++;
    }
    for (index = 0; index < 3; index++)
        if (taken[index])
            count[taken[index] - nodes]++;
    for (index = 0; index < 3; index++)
        if (count[index] != 1)
            return 2;
    return 0;
}
