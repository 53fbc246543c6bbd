/* Independent reads of independent writes: two readers agree on the order of two writers' stores. */

static volatile int x, y;
static int first_x, then_y, first_y, then_x;

void nextrust_setup(void)
{
    x = y = first_x = then_y = first_y = then_x = 0;
}

void nextrust_thread_0(void)
{
    x = 1;
}

void nextrust_thread_1(void)
{
    y = 1;
}

void nextrust_thread_2(void)
{
    first_x = x;
    then_y = y;
}

void nextrust_thread_3(void)
{
    first_y = y;
    then_x = x;
}

int nextrust_check(void)
{
    return first_x == 1 && then_y == 0 && first_y == 1 && then_x == 0;
}
