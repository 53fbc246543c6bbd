/* The states of a search as hashes (Wolper and Leroy, 1993; Stern and Dill, 1995): a set of them, in shares that grow one
   after the other, so that little room stands empty and little is held twice; and by number each state's parent and the
   move that led on.

   Of two states each has one hash with probability 2^-bits over the keys, whatever the states are: two multilinear hashes
   (Carter and Wegman, 1979) of 32 bits, whose keys of 64 bits are independent; see Lemire and Kaser, "Strongly universal
   string hashing is fast", 2014: with words of L bits and keys of K the upper K - L + 1 bits of the sum are uniform and
   independent for any two states. */

#include <stdlib.h>
#include <string.h>

#include "hashes.h"

typedef uint32_t u32;
typedef uint64_t u64;

enum { SHARES = 256, CHUNK = 1 << 16, CHUNKS = 1 << 16 };

typedef struct { u64 *slots; u32 size, used; } share;      /* open addressing; 0 where unused */

typedef struct { u32 parents[CHUNK]; uint8_t moves[CHUNK]; } chunk;

struct hashes {
    u32 words, bits, has_zero;
    u64 *keys;                                             /* two for each word, after two that are added */
    share shares[SHARES];
    chunk *chunks[CHUNKS];
};

/* `words`: of a state. `keys`: 2 * (words + 1) random numbers. */
hashes *hashes_new(u32 words, u32 bits, const u64 *keys) {
    size_t size = 2 * ((size_t)words + 1) * sizeof(u64);
    hashes *h = bits >= 1 && bits <= 64 ? calloc(1, sizeof(hashes)) : NULL;
    if (!h) return NULL;
    h->words = words, h->bits = bits, h->keys = malloc(size);
    if (!h->keys) {
        free(h);
        return NULL;
    }
    memcpy(h->keys, keys, size);
    return h;
}

void hashes_free(hashes *h) {
    if (!h) return;
    for (u32 n = 0; n < SHARES; n++) free(h->shares[n].slots);
    for (u32 n = 0; n < CHUNKS && h->chunks[n]; n++) free(h->chunks[n]);
    free(h->keys), free(h);
}

u64 hashes_of(const hashes *h, const u32 *state) {
    const u64 *key = h->keys + 2;
    u64 high = h->keys[0], low = h->keys[1];
    for (u32 w = 0; w < h->words; w++, key += 2) high += key[0] * state[w], low += key[1] * state[w];
    return ((high >> 32 << 32) | low >> 32) >> (64 - h->bits);
}

/* Where in a table a hash is looked for first is no matter of chance, only of time: all its bits have a say. */
static u64 spread(u64 hash) {
    hash = (hash ^ hash >> 32) * 0x9e3779b97f4a7c15u;
    return (hash ^ hash >> 29) * 0xff51afd7ed558ccdu;
}

static u64 *slot(const share *s, u64 hash) {
    u32 at = (u32)((spread(hash) & 0xffffffffu) * s->size >> 32);
    while (s->slots[at] && s->slots[at] != hash) at = at + 1 == s->size ? 0 : at + 1;
    return &s->slots[at];
}

/* A quarter larger than it was: between 64 and 80 of 100 slots are in use. */
static int grown(share *s) {
    share larger = {NULL, s->size + s->size / 4 + 16, s->used};
    larger.slots = calloc(larger.size, sizeof(u64));
    if (!larger.slots) return 0;
    for (u32 at = 0; at < s->size; at++)
        if (s->slots[at]) *slot(&larger, s->slots[at]) = s->slots[at];
    free(s->slots);
    *s = larger;
    return 1;
}

/* Takes the hash of what would be state `number`, the next one, where it is new. */
int hashes_add(hashes *h, u64 hash, u32 number, u32 parent, uint8_t move) {
    share *s = &h->shares[spread(hash) >> 56];
    if (hash ? s->size && *slot(s, hash) == hash : h->has_zero) return HASHES_KNOWN;
    chunk **c = &h->chunks[number / CHUNK];
    if (!*c && !(*c = malloc(sizeof(chunk)))) return HASHES_NO_MEMORY;
    if (hash) {
        if (5 * ((u64)s->used + 1) > 4 * (u64)s->size && !grown(s)) return HASHES_NO_MEMORY;
        *slot(s, hash) = hash, s->used++;
    } else h->has_zero = 1;
    (*c)->parents[number % CHUNK] = parent;
    (*c)->moves[number % CHUNK] = move;
    return HASHES_NEW;
}

u32 hashes_parent(const hashes *h, u32 number) { return h->chunks[number / CHUNK]->parents[number % CHUNK]; }
u32 hashes_move(const hashes *h, u32 number) { return h->chunks[number / CHUNK]->moves[number % CHUNK]; }
