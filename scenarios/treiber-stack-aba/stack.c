/* A Treiber stack that compares the top node only: popped and pushed again, it hides that what is below changed. */

struct node {
    struct node *next;
};

static struct node *volatile top;

static struct node nodes[3];
static struct node *taken[3];

static int swing(struct node *expected, struct node *desired)
{
    struct node *found = expected;

    __asm__ volatile("cas.l %0,%1,(%2)" : "+d"(found) : "d"(desired), "a"(&top) : "cc", "memory");
    return found == expected;
}

static void push(struct node *node)
{
    struct node *seen;

    do {
        seen = top;
        node->next = seen;
    } while (!swing(seen, node));
}

static struct node *pop(void)
{
    struct node *seen;

    do {
        seen = top;
        if (!seen)
            return 0;
    } while (!swing(seen, *(struct node *volatile *)&seen->next)); /* the top may be the same node again by now */
    return seen;
}

void nextrust_setup(void)
{
    int index;

    top = 0;
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

    for (node = top; node; node = node->next) {
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
