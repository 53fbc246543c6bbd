/* The page is 8 KB. vm_allocate and the others are Mach messages to the task port. */
#include <mach/mach.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static unsigned sum(const unsigned char *p, unsigned n)
{
	unsigned s = 0;

	while (n--)
		s = s * 31 + *p++;
	return s;
}

int main(void)
{
	vm_address_t first = 0, second = 0, fixed;
	unsigned char *p, *blocks[50];
	int i, bad = 0;

	printf("page %d\n", getpagesize());
	printf("allocate %d\n", vm_allocate(task_self(), &first, 100000, TRUE));
	printf("aligned %d, zero %d\n", first % 8192 == 0, sum((unsigned char *)first, 100000) == 0);
	memset((void *)first, 7, 106496);
	printf("allocate %d\n", vm_allocate(task_self(), &second, 1, TRUE));
	printf("apart %d\n", second >= first + 106496 || second + 8192 <= first);
	fixed = first;
	printf("taken %d\n", vm_allocate(task_self(), &fixed, 8192, FALSE));
	printf("deallocate %d\n", vm_deallocate(task_self(), first, 106496));
	printf("free again %d\n", vm_allocate(task_self(), &fixed, 8192, FALSE));
	printf("same place %d, zero %d\n", fixed == first, sum((unsigned char *)fixed, 8192) == 0);
	printf("protect %d\n", vm_protect(task_self(), second, 8192, FALSE, VM_PROT_READ));
	printf("readable %d\n", *(unsigned char *)second);
	printf("protect %d\n", vm_protect(task_self(), second, 8192, FALSE, VM_PROT_READ | VM_PROT_WRITE));
	*(unsigned char *)second = 5;
	printf("writable %d\n", *(unsigned char *)second);

	for (i = 0; i < 50; i++) {
		unsigned n = 1 + i * i * 11;
		blocks[i] = malloc(n);
		memset(blocks[i], i, n);
	}
	for (i = 0; i < 50; i += 2)
		free(blocks[i]);
	for (i = 0; i < 50; i += 2)
		blocks[i] = calloc(3 + i, 7);
	for (i = 0; i < 50; i++) {
		unsigned n = i & 1 ? 1 + i * i * 11 : (3 + i) * 7, k;
		for (k = 0; k < n; k++)
			bad += blocks[i][k] != (i & 1 ? i : 0);
	}
	printf("bad bytes %d\n", bad);
	p = malloc(10);
	strcpy((char *)p, "kept text");
	p = realloc(p, 50000);
	printf("%s\n", p);
	p = malloc(3000000);
	printf("large %d\n", p != 0);
	p[2999999] = 1;
	free(p);
	return 0;
}
