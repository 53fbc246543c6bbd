/* Huffman coding: frequencies, a heap, the tree, canonical codes, encoding to bits and decoding again. */
#include "out.h"

static const char text[] = "she sells sea shells by the sea shore; the shells she sells are surely seashells. "
                           "so if she sells shells on the seashore, i'm sure she sells seashore shells.";
struct node {
    u32 weight;
    i16 left, right;
    u8 symbol, depth;
};
static struct node nodes[128];
static i16 heap[64];
static int heap_size;
static struct {
    u16 code;
    u8 length, symbol;
} codes[64];
static u8 bits[400];

static int before(i16 a, i16 b) {
    return nodes[a].weight != nodes[b].weight ? nodes[a].weight < nodes[b].weight : a < b;
}
static NOINLINE void push(i16 n) {
    int i = heap_size++;
    for (; i && before(n, heap[(i - 1) / 2]); i = (i - 1) / 2)
        heap[i] = heap[(i - 1) / 2];
    heap[i] = n;
}
static NOINLINE i16 pop(void) {
    i16 top = heap[0], last = heap[--heap_size];
    int i = 0, c;
    while ((c = 2 * i + 1) < heap_size) {
        if (c + 1 < heap_size && before(heap[c + 1], heap[c]))
            c++;
        if (!before(heap[c], last))
            break;
        heap[i] = heap[c], i = c;
    }
    heap[i] = last;
    return top;
}
static NOINLINE void depths(i16 n, u8 d) {
    nodes[n].depth = d;
    if (nodes[n].left >= 0)
        depths(nodes[n].left, (u8)(d + 1)), depths(nodes[n].right, (u8)(d + 1));
}

int main(void) {
    u32 frequency[128] = {0};
    i16 used = 0;
    for (const char *p = text; *p; p++)
        frequency[(u8)*p]++;
    for (int c = 0; c < 128; c++)
        if (frequency[c]) {
            nodes[used].weight = frequency[c], nodes[used].left = nodes[used].right = -1, nodes[used].symbol = (u8)c;
            push(used++);
        }
    int symbols = used;
    while (heap_size > 1) {
        nodes[used].left = pop(), nodes[used].right = pop();
        nodes[used].weight = nodes[nodes[used].left].weight + nodes[nodes[used].right].weight;
        push(used++);
    }
    depths((i16)(used - 1), 0);
    int n = 0;
    u16 code = 0;
    for (u8 length = 1; length < 17; length++, code = (u16)(code << 1))
        for (int i = 0; i < symbols; i++)
            if (nodes[i].depth == length) {
                codes[n].code = code++, codes[n].length = length, codes[n].symbol = nodes[i].symbol;
                put_char((char)codes[n].symbol), put_char(':');
                for (int b = length; b--;)
                    put_char((char)('0' + (codes[n].code >> b & 1)));
                put_char(n++ % 8 == 7 ? '\n' : ' ');
            }
    nl();
    u32 at = 0;
    for (const char *p = text; *p; p++)
        for (int i = 0; i < n; i++)
            if (codes[i].symbol == (u8)*p)
                for (int b = codes[i].length; b--; at++)
                    bits[at >> 3] |= (u8)((codes[i].code >> b & 1) << (7 - (at & 7)));
    say_u32("bits", at);
    for (u32 i = 0; i < (at + 7) / 8; i++)
        put_hex(bits[i], 2);
    nl();
    u32 end = at, length = 0;
    u16 have = 0;
    for (at = 0; at < end; at++) {
        have = (u16)(have << 1 | (bits[at >> 3] >> (7 - (at & 7)) & 1)), length++;
        for (int i = 0; i < n; i++)
            if (codes[i].length == length && codes[i].code == have) {
                put_char((char)codes[i].symbol), have = 0, length = 0;
                break;
            }
    }
    nl();
    return done(n);
}
