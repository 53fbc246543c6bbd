/* Hashes of states that are not kept themselves, and how each was come to. See hashes.c. */

#include <stdint.h>

typedef struct hashes hashes;

enum { HASHES_KNOWN, HASHES_NEW, HASHES_NO_MEMORY };

#pragma GCC visibility push(hidden)
hashes *hashes_new(uint32_t words, uint32_t bits, const uint64_t *keys);
void hashes_free(hashes *h);
uint64_t hashes_of(const hashes *h, const uint32_t *state);
int hashes_add(hashes *h, uint64_t hash, uint32_t number, uint32_t parent, uint8_t move);
uint32_t hashes_parent(const hashes *h, uint32_t number);
uint32_t hashes_move(const hashes *h, uint32_t number);
#pragma GCC visibility pop
