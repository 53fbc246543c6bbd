/* Atomic operations where the object is not behind a plain pointer, and where the result is used in several ways: a
   back end chooses other addresses and other instructions there. main answers the number of the first wrong one. */
#define ORDER __ATOMIC_SEQ_CST
#define NOINLINE static __attribute__((noinline))

struct mixed {
	char c;
	int w;
	short h;
};

static int global;
static struct mixed record;

NOINLINE int global_add(int v) { return __atomic_fetch_add(&global, v, ORDER); }
NOINLINE void global_add_unused(int v) { __atomic_fetch_add(&global, v, ORDER); }
NOINLINE int global_exchange(int v) { return __atomic_exchange_n(&global, v, ORDER); }
NOINLINE int global_compare(int a, int b) { return __atomic_compare_exchange_n(&global, &a, b, 0, ORDER, ORDER) ? 1000 : a; }
NOINLINE int element_load(int *p, int i) { return __atomic_load_n(p + i, ORDER); }
NOINLINE void element_store(int *p, int i, int v) { __atomic_store_n(p + i, v, ORDER); }
NOINLINE int element_compare(int *p, int i, int a, int b) { return __sync_val_compare_and_swap(p + i, a, b); }
NOINLINE int element_or(int *p, int i, int v) { return __atomic_fetch_or(p + i, v, ORDER); }
NOINLINE int field_add(struct mixed *p) { return __atomic_add_fetch(&p->w, 1, ORDER); }
NOINLINE short field_sub(struct mixed *p) { return __atomic_sub_fetch(&p->h, 1, ORDER); }
NOINLINE char global_field(void) { return __atomic_exchange_n(&record.c, 7, ORDER); }
NOINLINE int branch_on_result(int *p) { return __atomic_and_fetch(p, 0xff, ORDER) == 0 ? 11 : 22; }
NOINLINE int store_zero(int *p) { __atomic_store_n(p, 0, ORDER); return *p; }
NOINLINE int flag(char *p) { return __atomic_test_and_set(p, ORDER) ? 1 : 0; }
NOINLINE int argument(int v) { return __atomic_fetch_sub(&v, 2, ORDER) + v; }

NOINLINE void escape(void *p) { __asm__ volatile("" : : "g"(p) : "memory"); }

NOINLINE int local(int v)
{
	int x = 5, old;

	escape(&x);
	old = __atomic_fetch_add(&x, v, ORDER);
	return old * 100 + __atomic_load_n(&x, ORDER);
}

#define IS(got, right) do { number++; if ((got) != (right)) return number; } while (0)

int main(void)
{
	int number = 0, cells[6] = {0, 1, 2, 3, 4, 5}, mask = 0xf00;
	struct mixed mixed = {1, 2, 3};
	char lock = 0;

	global = 4;
	IS(global_add(3), 4);
	global_add_unused(2);
	IS(global_exchange(0), 9);
	IS(global_compare(0, 6), 1000);
	IS(global_compare(1, 2), 6);
	IS(element_load(cells, 3), 3);
	element_store(cells, 2, 33);
	IS(cells[2], 33);
	IS(cells[1], 1);
	IS(element_compare(cells, 5, 5, 50), 5);
	IS(cells[5], 50);
	IS(element_or(cells, 4, 3), 4);
	IS(cells[4], 7);
	IS(field_add(&mixed), 3);
	IS(field_sub(&mixed), 2);
	IS(global_field(), 0);
	IS(record.c, 7);
	IS(local(2), 507);
	IS(branch_on_result(&mask), 11);
	mask = 1;
	IS(branch_on_result(&mask), 22);
	IS(store_zero(&mask), 0);
	IS(flag(&lock), 0);
	IS(flag(&lock), 1);
	IS(argument(9), 16);
	return 0;
}
