/* Callbacks of the emulator that are too frequent for Python: counting instructions by blocks, and asking at sites.

   Needs no header but the C library's, and links with nothing: what it calls of the emulator it is given as pointers.
   The layout of the structures is repeated in block_counting.py; `nextrust_core_layout` lets it check. The offsets in
   the CPU state are those of Unicorn 2.1.4, see emu/child/context.py and float_state.py. */

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FLOATS = 112, RESULT = 240, CONTROL = 256, PRECISION = 0xc0 };
enum { NOTHING = 0, LIMIT = 1, UNKNOWN = 2, SITE = 3, ROLLED_BACK = 4, DOUBT = 5 };
enum { ALWAYS = 1, DIVIDEND = 2, NUMBERS = 3, LOOK = 4 };
enum { PLACES = 9, WORDS = 64 };
#define NONE 1u /* no instruction is at an odd address */

typedef struct { uint16_t least, range; } exponents; /* the least, and how many more there may be */

/* Instructions that are executed without a look at their operands: what is asked before the first of them, what behind
   the last, and what they may change. */
typedef struct stretch {
    struct stretch *next;     /* all there are, to be freed */
    uint32_t begin;
    uint16_t asked, checked;  /* bit sets of fp0 to fp7, and of the last operand from memory */
    exponents before[PLACES], behind[PLACES];
    uint8_t swift;            /* it may be more than one instruction */
    uint8_t by_fpcr;
    uint8_t words_used;
    uint8_t words[WORDS];     /* numbers of words in the CPU state */
} stretch;

typedef struct { uint32_t address, size, count, used; const stretch *stretch; } block_entry;
typedef struct {
    uint32_t address, block;  /* the block it is in: that of another one may be looked at otherwise */
    uint8_t condition;        /* LOOK: only at what came before */
    uint8_t high, low;        /* DIVIDEND: data registers */
    const stretch *stretch;   /* what begins here */
} site_entry;
typedef int (*stop_function)(void *engine);

typedef struct {
    uint64_t total, limit;   /* instructions of all blocks entered, and how many there may be */
    block_entry *block;      /* the block entered last */
    const stretch *pending;  /* what was begun: its operands are looked at behind it */
    uint32_t halted;         /* a stop is under way: nothing counts any more */
    uint32_t why;            /* why the run was stopped */
    uint32_t passing;        /* a site that is let pass once */
    uint32_t site;           /* the site that stopped the run */
    uint32_t unknown;        /* a block that was not announced */
    uint32_t blocks_mask, blocks_used, sites_mask, sites_used;
    uint8_t *state;          /* the CPU's registers */
    stop_function stop;
    block_entry *blocks;     /* open addressing; all zero where unused */
    site_entry *sites;
    stretch *stretches;
    const stretch *back_to;  /* what was taken back, and the words it may have changed as they were before */
    uint32_t saved[WORDS];
} counter;

static block_entry no_block = {NONE, 0, 0, 0, NULL};

#ifndef SOURCE
#define SOURCE "unknown"
#endif

/* The hash of the C files, so that a library of other ones is not used. */
const char *nextrust_core_source(void) { return SOURCE; }

uint64_t nextrust_core_layout(void) { return sizeof(counter) << 16 | sizeof(stretch); }

static uint32_t hash(uint32_t address) { return ((address >> 1) * 2654435761u) >> 8; }

/* -- tables, filled from Python ------------------------------------------------------------------------------------ */

/* The entry of an address, or the unused one where it would be. */
static block_entry *find_block(const counter *c, uint32_t address) {
    uint32_t at = hash(address) & c->blocks_mask;
    while (c->blocks[at].used && c->blocks[at].address != address) at = (at + 1) & c->blocks_mask;
    return &c->blocks[at];
}

static int grow_blocks(counter *c) {
    uint32_t entered = c->block->address;
    uint32_t mask = c->blocks_mask * 2 + 1;
    block_entry *table = calloc((size_t)mask + 1, sizeof *table);
    if (!table) return 0;
    for (uint32_t i = 0; c->blocks && i <= c->blocks_mask; i++) {
        if (!c->blocks[i].used) continue;
        uint32_t at = hash(c->blocks[i].address) & mask;
        while (table[at].used) at = (at + 1) & mask;
        table[at] = c->blocks[i];
    }
    free(c->blocks);
    c->blocks = table;
    c->blocks_mask = mask;
    c->block = entered == NONE ? &no_block : find_block(c, entered);
    return 1;
}

/* Keeps a stretch until all is forgotten, and answers where; NULL: there is no memory for it. The same one is kept once:
   what is pending must not change while a block is translated again. */
static const stretch *keep(counter *c, const stretch *given, const stretch *before) {
    if (before && !memcmp(&before->begin, &given->begin, sizeof *given - offsetof(stretch, begin))) return before;
    stretch *kept = malloc(sizeof *kept);
    if (!kept) return NULL;
    *kept = *given;
    kept->next = c->stretches;
    c->stretches = kept;
    return kept;
}

/* Says how long the block at an address is, and what begins with it or NULL; 0: there is no memory for it. */
int nextrust_core_block(counter *c, uint32_t address, uint32_t size, uint32_t count, const stretch *begins) {
    if (c->blocks_used * 2 > c->blocks_mask && !grow_blocks(c)) return 0;
    block_entry *found = find_block(c, address);
    const stretch *kept = begins ? keep(c, begins, found->stretch) : NULL;
    if (begins && !kept) return 0;
    c->blocks_used += !found->used;
    *found = (block_entry){address, size, count, 1, kept};
    return 1;
}

static int grow_sites(counter *c) {
    uint32_t mask = c->sites_mask * 2 + 1;
    site_entry *table = calloc((size_t)mask + 1, sizeof *table);
    if (!table) return 0;
    for (uint32_t i = 0; c->sites && i <= c->sites_mask; i++) {
        if (!c->sites[i].condition) continue;
        uint32_t at = hash(c->sites[i].address) & mask;
        while (table[at].condition) at = (at + 1) & mask;
        table[at] = c->sites[i];
    }
    free(c->sites);
    c->sites = table;
    c->sites_mask = mask;
    return 1;
}

static site_entry *find_site(const counter *c, uint32_t address, uint32_t block) {
    uint32_t at = hash(address) & c->sites_mask;
    while (c->sites[at].condition && (c->sites[at].address != address || c->sites[at].block != block))
        at = (at + 1) & c->sites_mask;
    return &c->sites[at];
}

/* Says what is asked at an address in a block; 0: there is no memory for it. */
int nextrust_core_site(counter *c, const site_entry *site) {
    if (c->sites_used * 2 > c->sites_mask && !grow_sites(c)) return 0;
    site_entry *found = find_site(c, site->address, site->block);
    const stretch *kept = site->stretch ? keep(c, site->stretch, found->stretch) : NULL;
    if (site->stretch && !kept) return 0;
    c->sites_used += !found->condition;
    *found = *site;
    found->stretch = kept;
    return 1;
}

/* The address of the block entered last; odd where there is none. */
uint32_t nextrust_core_last_block(const counter *c) { return c->block->address; }

/* Forgets all blocks and sites; 0: there is no memory. Also the first call for a new counter. */
int nextrust_core_forget(counter *c) {
    free(c->blocks);
    free(c->sites);
    while (c->stretches) {
        stretch *gone = c->stretches;
        c->stretches = gone->next;
        free(gone);
    }
    c->blocks = NULL;
    c->sites = NULL;
    c->block = &no_block;
    c->blocks_used = c->sites_used = 0;
    c->blocks_mask = 511;
    c->sites_mask = 31;
    c->passing = NONE;
    c->pending = NULL;
    return grow_blocks(c) && grow_sites(c);
}

/* -- what the emulator calls --------------------------------------------------------------------------------------- */

static uint32_t word(const counter *c, uint32_t index) {
    uint32_t value;
    memcpy(&value, c->state + 4 * index, 4);
    return value;
}

/* Neither zero nor a normalised number with an exponent in the range: an infinity, a NaN, a denormal among others. */
static int special(const uint8_t *value, exponents may) {
    uint64_t mantissa;
    uint16_t exponent;
    memcpy(&mantissa, value, 8);
    memcpy(&exponent, value + 8, 2);
    exponent &= 0x7fff;
    if (!exponent) return mantissa != 0;
    return (uint32_t)exponent - may.least > may.range || !(mantissa >> 63);
}

static int one_is_special(const counter *c, uint32_t places, const exponents *may) {
    for (; places; places &= places - 1) {
        uint32_t at = (uint32_t)__builtin_ctz(places);
        if (special(c->state + FLOATS + 16 * at, may[at])) return 1;
    }
    return 0;
}

static __attribute__((noinline, cold)) void stop(counter *c, void *engine, uint32_t why) {
    c->why = why;
    c->halted = 1;
    c->stop(engine);
}

/* Whether what is pending met an operand that it must not. */
int nextrust_core_was_wrong(counter *c) {
    const stretch *done = c->pending;
    if (!done) return 0;
    c->pending = NULL;
    c->back_to = done;
    c->site = done->begin;
    return one_is_special(c, done->checked, done->behind);
}

/* The same from within a run, which is stopped then. */
static int was_wrong(counter *c, void *engine) {
    if (!nextrust_core_was_wrong(c)) return 0;
    stop(c, engine, ROLLED_BACK);
    return 1;
}

/* Begins a stretch; 0: it must not be. */
static int begin(counter *c, const stretch *next) {
    if (next->by_fpcr && word(c, CONTROL / 4) & PRECISION) return 0;
    if (one_is_special(c, next->asked, next->before)) return 0;
    if (!next->checked) return 1;
    /* In words, as most of them were stored: a wider load would wait for the stores. */
    for (uint32_t i = 0; i < next->words_used; i++) c->saved[i] = word(c, next->words[i]);
    c->pending = next;
    return 1;
}

void nextrust_core_on_block(void *engine, uint64_t address, uint32_t size, void *user) {
    counter *c = user;
    if (__builtin_expect(c->halted, 0) || (c->pending && was_wrong(c, engine))) return;
    block_entry *block = c->block; /* a loop comes to the same block again */
    if (block->address != (uint32_t)address || block->size != size) {
        block = find_block(c, (uint32_t)address);
        if (!block->used || block->size != size) {
            c->unknown = (uint32_t)address;
            stop(c, engine, UNKNOWN);
            return;
        }
    }
    uint64_t total = c->total + block->count;
    if (__builtin_expect(total > c->limit, 0)) {
        stop(c, engine, LIMIT);
        return;
    }
    if (block->stretch) {
        c->passing = NONE;
        if (!begin(c, block->stretch)) {
            c->site = (uint32_t)address;
            c->block = &no_block;
            stop(c, engine, DOUBT);
            return;
        }
    }
    c->block = block;
    c->total = total;
}

static int is_least(const counter *c, const site_entry *site) {
    return word(c, site->high) == 0x80000000u && (site->low == site->high || !word(c, site->low));
}

void nextrust_core_on_site(void *engine, uint64_t address, uint32_t size, void *user) {
    counter *c = user;
    (void)size;
    if (c->halted) return;
    uint32_t here = (uint32_t)address;
    const site_entry *site = find_site(c, here, c->block->address);
    if (!site->condition || (c->pending && was_wrong(c, engine)) || site->condition == LOOK) return;
    if (__builtin_expect(c->passing == here, 0)) {
        c->passing = NONE;
        return;
    }
    if (site->condition == NUMBERS ? begin(c, site->stretch) : site->condition == DIVIDEND && !is_least(c, site)) return;
    c->site = here;
    stop(c, engine, SITE);
}

/* -- where the process died ---------------------------------------------------------------------------------------- */

static struct { const counter *last; int file; long at; } death;

static void on_death(int number) {
    uint32_t block = death.last->block->address;
    ssize_t written = pwrite(death.file, &block, sizeof block, death.at);
    (void)written;
    signal(number, SIG_DFL);
    raise(number);
}

/* From now on a signal that ends this process leaves the address of the block entered last at `at` in `file`. */
void nextrust_core_on_death(const counter *c, int file, long at) {
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    death.last = c;
    death.file = file;
    death.at = at;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) signal(numbers[i], on_death);
}

/* -- finding the CPU's registers ----------------------------------------------------------------------------------- */

/* Reads memory that may not be there: the kernel refuses to write from it to a pipe. */
static int readable(const int *pipe, const uint8_t *from, uint8_t *to, size_t size) {
    if (write(pipe[1], from, size) != (ssize_t)size) return 0;
    return read(pipe[0], to, size) == (ssize_t)size;
}

static int plausible(const uint8_t *pointer) {
    uintptr_t value = (uintptr_t)pointer;
    return value % 8 == 0 && value >> 16 && !((uint64_t)value >> 48);
}

/* The address of the CPU's registers, which begin with `pattern`: it stands in the emulator's structure for the CPU,
   whose address stands in `engine`. NULL where it is not found. */
uint8_t *nextrust_core_find_state(const uint8_t *engine, size_t engine_size, const uint8_t *pattern) {
    enum { PATTERN = 64, PIECE = 1024, LONGEST = 1024 };
    int ends[2];
    uint8_t piece[PIECE], seen[PATTERN], *found = NULL;
    if (pipe(ends)) return NULL;
    for (size_t at = 0; !found && at + 8 <= engine_size; at += 8) {
        const uint8_t *cpu;
        memcpy(&cpu, engine + at, sizeof cpu);
        if (!plausible(cpu)) continue;
        for (size_t offset = 0; !found && offset < LONGEST && readable(ends, cpu + offset, piece, PIECE); offset += PIECE)
            for (size_t in = 0; !found && in < PIECE; in += 8) {
                uint8_t *state;
                memcpy(&state, piece + in, sizeof state);
                /* They are part of the same structure. */
                if (!plausible(state) || state <= cpu || state - cpu > 1 << 20) continue;
                if (readable(ends, state, seen, PATTERN) && !memcmp(seen, pattern, PATTERN)) found = state;
            }
    }
    close(ends[0]);
    close(ends[1]);
    return found;
}
