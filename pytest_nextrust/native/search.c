/* The search over whole states, where a step has been asked for once: tables of what follows what, breadth first.

   A state is a row of numbers: the local state of each thread, the shared state, the monitor's. What is not in the
   tables is asked of Python, by a code that `nextrust_search_run` answers; it is called again when the answer is in.
   The plain way is explore/child/search.py, and the two are compared state by state in the tests. */

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hashes.h"

enum { READY = 1, DONE = 2, WRONG = 3, HALTED = 4, HALTED_WRONG = 5 };  /* of local states; others neither move nor are wrong */
enum { KIND = 0xf, CHOICES = 4 };  /* a local state's kind in its low bits, above them its choices but one */
enum { COMPLETE, STEP, MONITOR, FOLLOW, RENAME, JUDGE, PAUSE, VIOLATED, NO_MEMORY, EXCHANGE, NO_WAY_ON };
enum { MOVED = -1, WAITS = -2 };
enum { TAG_STEP = 1, TAG_MONITOR, TAG_FOLLOWED, TAG_RENAMED, TAG_EFFECTS };
enum { ENDS, STUCK, ENDLESS };
enum { THREADS = 16, PARTS = 64, MOVES = 256 };  /* a move is a thread's macro-step by one of its choices: thread + threads * choice */
#define NONE 0xffffffffu
#define REFUSED 0xffffffffu

typedef uint32_t u32;
typedef uint64_t u64;

typedef struct { u64 a, b; u32 x, y, z; } entry;  /* a is 0 where it is unused */

typedef struct {
    u32 size, members, room;
    u32 threads[THREADS];
    u32 *numbers[THREADS], known[THREADS];  /* by position: the correspondence of each local state */
    u32 *locals;                            /* by correspondence: the local state at each position */
} class;

typedef struct { u32 position, width, first, count; } word;  /* in shared memory, and which names it may hold */

/* Exchanges of threads that also rename shared memory; see explore/child/renamed_symmetry.py. */
typedef struct {
    u32 size;                               /* how many exchanges there are; 0 where none renames */
    u32 *threads, *positions;               /* by exchange: the thread whose place each takes, where each byte goes */
    u32 after[THREADS];                     /* the next thread of each one's class, or NONE */
    word *words;
    u32 words_count;
    u32 *names, *renamed;                   /* in order for each word, and by name what it becomes by each exchange */
    u32 *orbits[THREADS], known[THREADS];   /* by local state: the number of its orbit, and what it becomes */
    uint8_t *least, *other;                 /* shared memory that is being made */
} exchanges;

typedef struct {
    u32 *states, count, room;               /* not sent yet */
    u64 *edges;                             /* where the numbers of all belong that have none yet, the sent ones first */
    u32 edges_count, edges_room;
} outbox;

typedef struct {
    u32 threads, moves, width, waited_for, judges, renames;
    u32 classes;
    class *class_of[THREADS];
    uint8_t *kinds[THREADS];
    u32 known[THREADS];
    entry *table;
    u64 table_mask, table_used;
    u32 *states, *edges, *index, *finals;
    u64 index_mask;
    u32 count, room, at, finals_count, finals_room, violation;
    u64 transitions;
    int spill[3];                           /* files for states, edges and the look for what never ends, or -1 */
    u32 *way, way_length;
    u32 depth, level_end;                   /* of the state that is next, and the first that is deeper */
    u32 want_thread, want_state, want_class, want_order[THREADS], want_from[THREADS + 2];  /* what was asked for */
    class own[THREADS];
    u32 part, parts;                        /* which states are its own, by their hash, of how many parts */
    outbox *out;                            /* by part: states that are not its own */
    u32 *unjudged, unjudged_count, unjudged_room;
    u32 *log, log_count, log_room, last, logs;  /* what it was told, for searches that are to know it too */
    u32 *merged[PARTS];                     /* by part: the numbers that its states get */
    uint8_t *vectors, *made;                /* shared memory by number, and one that is being made */
    u32 vector_size, vectors_count, vectors_room, *vector_index, vector_mask;
    u32 *effects, effects_count, effects_room;
    exchanges exchanges;
    hashes *hashes;                         /* of all states, where only those of two levels are kept whole */
    u32 first;                              /* the number of the first of them */
} search;

/* -- tables --------------------------------------------------------------------------------------------------------- */

static u64 mixed(u64 a, u64 b) {
    u64 h = (a ^ (b * 0x9e3779b97f4a7c15u)) * 0xff51afd7ed558ccdu;
    h = (h ^ (h >> 32)) * 0xc4ceb9fe1a85ec53u;
    return h ^ (h >> 29);
}

static entry *look(const search *s, u64 a, u64 b) {
    u64 at = mixed(a, b) & s->table_mask;
    while (s->table[at].a && (s->table[at].a != a || s->table[at].b != b)) at = (at + 1) & s->table_mask;
    return &s->table[at];
}

static int more_table(search *s) {
    entry *old = s->table;
    u64 size = s->table_mask + 1;
    entry *table = calloc(2 * size, sizeof(entry));
    if (!table) return 0;
    s->table = table;
    s->table_mask = 2 * size - 1;
    for (u64 at = 0; at < size; at++)
        if (old[at].a) *look(s, old[at].a, old[at].b) = old[at];
    free(old);
    return 1;
}

static int put(search *s, u64 a, u64 b, u32 x, u32 y, u32 z) {
    if (2 * (s->table_used + 1) > s->table_mask && !more_table(s)) return 0;
    entry *e = look(s, a, b);
    s->table_used += !e->a;
    *e = (entry){a, b, x, y, z};
    return 1;
}

static u64 key(u32 tag, u32 small, u32 number) { return (u64)tag << 60 | (u64)small << 32 | number; }

/* An array of `size` elements that has an element `at`; new ones are `fill`. */
static void *grown(void *array, u32 *size, u32 at, size_t each, int fill) {
    if (at < *size) return array;
    u32 more = at + at / 2 + 64;
    uint8_t *made = realloc(array, more * each);
    if (!made) return NULL;
    memset(made + *size * each, fill, (more - *size) * each);
    *size = more;
    return made;
}

/* -- in memory, or in files that the system pages ------------------------------------------------------------------- */

enum { STATES, EDGES, ENDING };

static void *in_file(int fd, size_t size) {
#ifdef __APPLE__
    if (ftruncate(fd, (off_t)size)) return NULL;
#else
    /* Room that is not there is to be known now, not when it is written to. */
    if (posix_fallocate(fd, 0, (off_t)size)) return NULL;
#endif
    void *made = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return made == MAP_FAILED ? NULL : made;
}

static void *resized(const search *s, int which, void *array, size_t from, size_t to) {
    if (s->spill[which] < 0) return realloc(array, to);
    void *made = in_file(s->spill[which], to);
    if (made && array) munmap(array, from);
    return made;
}

static void released(const search *s, int which, void *array, size_t size) {
    if (s->spill[which] < 0 || !array) free(array);
    else munmap(array, size);
}

static size_t states_size(const search *s, u32 room) { return (size_t)room * s->width * sizeof(u32); }
static size_t edges_size(const search *s, u32 room) { return (size_t)room * s->moves * sizeof(u32); }

/* Moves states and edges into open files; 0 where they do not fit, and then nothing has changed. */
int nextrust_search_spill(search *s, int states, int edges, int ending) {
    size_t sizes[2] = {states_size(s, s->room), edges_size(s, s->room)};
    u32 *in_files[2] = {in_file(states, sizes[0]), in_file(edges, sizes[1])};
    if (!in_files[0] || !in_files[1]) {
        for (int which = 0; which < 2; which++)
            if (in_files[which]) munmap(in_files[which], sizes[which]);
        return 0;
    }
    memcpy(in_files[0], s->states, states_size(s, s->count));
    memcpy(in_files[1], s->edges, edges_size(s, s->at));
    free(s->states), free(s->edges);
    s->states = in_files[0], s->edges = in_files[1];
    s->spill[STATES] = states, s->spill[EDGES] = edges, s->spill[ENDING] = ending;
    return 1;
}

/* -- what it was told, in words: for other searches of the same program ----------------------------------------------- */

enum { KINDS = 1, STEPS, SHARED_BYTES, VECTORS, EFFECTS, MONITORS, CLASSES, MEMBERS, FOLLOWED, RENAMED, EXCHANGES, WORDS_OF_NAMES, ORBITS };
enum { OP, WORDS, HEAD };                   /* each record: what, and how many words follow */

/* Takes down `count` more words of the last record. */
static int logged_more(search *s, const void *words, u32 count) {
    if (!s->logs || !count) return 1;
    u32 *log = grown(s->log, &s->log_room, s->log_count + count, sizeof(u32), 0);
    if (!log) return 0;
    s->log = log;
    log[s->last + WORDS] += count;
    memcpy(log + s->log_count, words, count * sizeof(u32));
    s->log_count += count;
    return 1;
}

/* Takes down a record of `count` words and `more` after them. */
static int logged(search *s, u32 op, const void *words, u32 count, const void *more, u32 more_count) {
    if (!s->logs) return 1;
    u32 *log = grown(s->log, &s->log_room, s->log_count + HEAD, sizeof(u32), 0);
    if (!log) return 0;
    s->log = log, s->last = s->log_count, s->log_count += HEAD;
    log[s->last + OP] = op, log[s->last + WORDS] = 0;
    return logged_more(s, words, count) && logged_more(s, more, more_count);
}

void nextrust_search_keep_log(search *s) { s->logs = 1; }
u32 nextrust_search_log_count(const search *s) { return s->log_count; }
const u32 *nextrust_search_log(const search *s) { return s->log; }

/* -- filled from Python --------------------------------------------------------------------------------------------- */

void nextrust_search_free(search *s) {
    for (u32 t = 0; t < s->threads; t++) free(s->kinds[t]);
    for (u32 c = 0; c < s->classes; c++) {
        for (u32 p = 0; p < s->own[c].size; p++) free(s->own[c].numbers[p]);
        free(s->own[c].locals);
    }
    for (u32 t = 0; t < s->threads; t++) free(s->exchanges.orbits[t]);
    free(s->exchanges.threads), free(s->exchanges.positions), free(s->exchanges.words), free(s->exchanges.names);
    free(s->exchanges.renamed), free(s->exchanges.least), free(s->exchanges.other);
    free(s->vectors), free(s->made), free(s->vector_index), free(s->effects);
    released(s, STATES, s->states, states_size(s, s->room)), released(s, EDGES, s->edges, edges_size(s, s->room));
    for (u32 p = 0; s->out && p < s->parts; p++) free(s->out[p].states), free(s->out[p].edges);
    for (u32 p = 0; p < PARTS; p++) free(s->merged[p]);
    free(s->out), free(s->unjudged), free(s->log), hashes_free(s->hashes);
    free(s->table), free(s->index), free(s->finals), free(s->way), free(s);
}

/* `waited_for`: bits of threads; `judges`: final states are judged; `renames`: the monitor's states are renamed. */
search *nextrust_search_new(u32 threads, u32 choices, u32 waited_for, u32 judges, u32 renames) {
    if (threads > THREADS || threads * choices > MOVES) return NULL;
    search *s = calloc(1, sizeof(search));
    if (!s) return NULL;
    s->threads = threads, s->moves = threads * choices, s->width = threads + 2;
    s->waited_for = waited_for, s->judges = judges, s->renames = renames;
    s->spill[STATES] = s->spill[EDGES] = s->spill[ENDING] = -1;
    s->violation = NONE;
    s->parts = 1;
    s->room = 1024, s->table_mask = s->index_mask = 4095, s->finals_room = 64;
    s->table = calloc(s->table_mask + 1, sizeof(entry));
    s->states = malloc((size_t)s->room * s->width * sizeof(u32));
    s->edges = malloc((size_t)s->room * s->moves * sizeof(u32));
    s->index = malloc((s->index_mask + 1) * sizeof(u32));
    s->finals = malloc(s->finals_room * sizeof(u32));
    if (!s->table || !s->states || !s->edges || !s->index || !s->finals) {
        nextrust_search_free(s);
        return NULL;
    }
    memset(s->index, 0xff, (s->index_mask + 1) * sizeof(u32));
    return s;
}

static int set_kind(search *s, u32 thread, u32 local, u32 kind) {
    uint8_t *kinds = grown(s->kinds[thread], &s->known[thread], local, 1, 0);
    if (!kinds) return 0;
    s->kinds[thread] = kinds;
    kinds[local] = (uint8_t)kind;
    return 1;
}

int nextrust_search_kind(search *s, u32 thread, u32 local, u32 kind) {
    return set_kind(s, thread, local, kind) && logged(s, KINDS, (u32[]){thread, local, kind}, 3, NULL, 0);
}

/* What a move leads to from a thread's local and a shared state; NONE for `after` where the thread waits. */
int nextrust_search_step(search *s, u32 move, u32 local, u32 shared, u32 after, u32 kind, u32 shared_after, u32 events) {
    return (after == NONE || set_kind(s, move % s->threads, after, kind)) &&
           put(s, key(TAG_STEP, move, local), shared, after, shared_after, events) &&
           logged(s, STEPS, (u32[]){move, local, shared, after, kind, shared_after, events}, 7, NULL, 0);
}

/* -- shared memory, and what moves do to it ------------------------------------------------------------------------- */

static u32 *vector_slot(const search *s, const uint8_t *vector) {
    u64 h = 0;
    for (u32 at = 0; at < s->vector_size; at++) h = (h ^ vector[at]) * 0x100000001b3u;
    u32 at = (u32)(mixed(h, s->vector_size) & s->vector_mask);
    while (s->vector_index[at] != NONE &&
           memcmp(s->vectors + (size_t)s->vector_index[at] * s->vector_size, vector, s->vector_size))
        at = (at + 1) & s->vector_mask;
    return &s->vector_index[at];
}

/* How many bytes are shared. */
int nextrust_search_shares(search *s, u32 size) {
    s->vector_size = size, s->vector_mask = 255, s->vectors_room = 128;
    s->vectors = malloc((size_t)s->vectors_room * size + 1);
    s->made = malloc(size + 1);
    s->vector_index = malloc((s->vector_mask + 1) * sizeof(u32));
    if (!s->vectors || !s->made || !s->vector_index) return 0;
    memset(s->vector_index, 0xff, (s->vector_mask + 1) * sizeof(u32));
    return logged(s, SHARED_BYTES, &size, 1, NULL, 0);
}

/* The bytes are put in words, the last of which may be part empty. */
static int logged_vector(search *s, const uint8_t *vector) {
    u32 rest = s->vector_size % 4, tail = 0;
    memcpy(&tail, vector + s->vector_size - rest, rest);
    return logged(s, VECTORS, vector, s->vector_size / 4, &tail, rest > 0);
}

/* The next shared memory. */
int nextrust_search_vector(search *s, const uint8_t *vector) {
    if (s->vectors_count == s->vectors_room) {
        u32 room = 2 * s->vectors_room, mask = 2 * s->vector_mask + 1;
        uint8_t *vectors = realloc(s->vectors, (size_t)room * s->vector_size + 1);
        if (!vectors) return 0;
        s->vectors = vectors;
        u32 *index = malloc(((size_t)mask + 1) * sizeof(u32));
        if (!index) return 0;
        memset(index, 0xff, ((size_t)mask + 1) * sizeof(u32));
        free(s->vector_index);
        s->vector_index = index, s->vector_mask = mask, s->vectors_room = room;
        for (u32 n = 0; n < s->vectors_count; n++) *vector_slot(s, vectors + (size_t)n * s->vector_size) = n;
    }
    *vector_slot(s, vector) = s->vectors_count;
    memcpy(s->vectors + (size_t)s->vectors_count++ * s->vector_size, vector, s->vector_size);
    return logged_vector(s, vector);
}

/* What a move does from a thread's local state wherever these bytes of shared memory are so: `bytes` are first what it
   reads, then what it writes, each a position above the value in the low eight bits. */
enum { NEXT, AFTER, EVENTS, READS, WRITES, BYTES };

int nextrust_search_effect(search *s, u32 move, u32 local, u32 after, u32 events, u32 reads, u32 writes, const u32 *bytes) {
    u64 list = key(TAG_EFFECTS, move, local);
    const entry *known = look(s, list, 0);
    u32 next = known->a ? known->x : NONE, at = s->effects_count, size = BYTES + reads + writes;
    u32 *effects = grown(s->effects, &s->effects_room, at + size, sizeof(u32), 0);
    if (!effects) return 0;
    s->effects = effects;
    u32 *made = effects + at;
    made[NEXT] = next, made[AFTER] = after, made[EVENTS] = events, made[READS] = reads, made[WRITES] = writes;
    memcpy(made + BYTES, bytes, (reads + writes) * sizeof(u32));
    s->effects_count += size;
    return put(s, list, 0, at, 0, 0) &&
           logged(s, EFFECTS, (u32[]){move, local, after, events, reads, writes}, 6, bytes, reads + writes);
}

/* Whether what a move does is known, though not from this shared memory, and leads to one that is known: then it is in
   the table. Another one is numbered by who is asked. */
static int derived(search *s, u32 move, u32 local, u32 shared) {
    const entry *list = look(s, key(TAG_EFFECTS, move, local), 0);
    if (!list->a || shared >= s->vectors_count) return 0;
    const uint8_t *now = s->vectors + (size_t)shared * s->vector_size;
    for (u32 at = list->x; at != NONE; at = s->effects[at + NEXT]) {
        const u32 *effect = s->effects + at, *bytes = effect + BYTES;
        u32 n = 0;
        while (n < effect[READS] && now[bytes[n] >> 8] == (uint8_t)bytes[n]) n++;
        if (n < effect[READS]) continue;
        u32 after = shared;
        if (effect[WRITES]) {
            memcpy(s->made, now, s->vector_size);
            for (; n < effect[READS] + effect[WRITES]; n++) s->made[bytes[n] >> 8] = (uint8_t)bytes[n];
            after = *vector_slot(s, s->made);
        }
        return after != NONE && put(s, key(TAG_STEP, move, local), shared, effect[AFTER], after, effect[EVENTS]);
    }
    return 0;
}

/* -- more that is filled from Python -------------------------------------------------------------------------------- */

int nextrust_search_monitor(search *s, u32 thread, u32 watched, u32 events, u32 after) {
    return put(s, key(TAG_MONITOR, thread, watched), events, after, 0, 0) &&
           logged(s, MONITORS, (u32[]){thread, watched, events, after}, 4, NULL, 0);
}

int nextrust_search_class(search *s, u32 size, const u32 *threads) {
    class *c = &s->own[s->classes++];
    c->size = size;
    memcpy(c->threads, threads, size * sizeof(u32));
    for (u32 p = 0; p < size; p++) s->class_of[threads[p]] = c;
    return logged(s, CLASSES, threads, size, NULL, 0);
}

/* The next correspondence of a class. */
int nextrust_search_member(search *s, u32 number, const u32 *locals) {
    class *c = &s->own[number];
    u32 *made = grown(c->locals, &c->room, (c->members + 1) * c->size, sizeof(u32), 0);
    if (!made) return 0;
    c->locals = made;
    memcpy(made + c->members * c->size, locals, c->size * sizeof(u32));
    for (u32 p = 0; p < c->size; p++) {
        u32 *numbers = grown(c->numbers[p], &c->known[p], locals[p], sizeof(u32), 0xff);
        if (!numbers) return 0;
        c->numbers[p] = numbers;
        numbers[locals[p]] = c->members;
    }
    c->members++;
    return logged(s, MEMBERS, &number, 1, locals, c->size);
}

int nextrust_search_followed(search *s, u32 number, u32 correspondence, u32 shared) {
    return put(s, key(TAG_FOLLOWED, number, correspondence), shared, 0, 0, 0) &&
           logged(s, FOLLOWED, (u32[]){number, correspondence, shared}, 3, NULL, 0);
}

static u64 coded(const u32 *order, u32 size) {
    u64 code = 0;
    for (u32 p = 0; p < size; p++) code = code << 4 | order[p];
    return code;
}

int nextrust_search_renamed(search *s, u32 number, u32 watched, const u32 *order, u32 after) {
    return put(s, key(TAG_RENAMED, number, watched), coded(order, s->own[number].size), after, 0, 0) &&
           logged(s, RENAMED, (u32[]){number, watched, after}, 3, order, s->own[number].size);
}

static u32 *copied(const u32 *numbers, size_t count) {
    u32 *made = malloc((count + 1) * sizeof(u32));
    if (made) memcpy(made, numbers, count * sizeof(u32));
    return made;
}

/* `size` exchanges: of all threads, and of all bytes; `after`: the next thread of each one's class. */
int nextrust_search_exchanges(search *s, u32 size, const u32 *threads, const u32 *positions, const u32 *after) {
    exchanges *e = &s->exchanges;
    e->threads = copied(threads, (size_t)size * s->threads);
    e->positions = copied(positions, (size_t)size * s->vector_size);
    e->least = malloc(s->vector_size + 1), e->other = malloc(s->vector_size + 1);
    memcpy(e->after, after, s->threads * sizeof(u32));
    e->size = size;
    return e->threads && e->positions && e->least && e->other && logged(s, EXCHANGES, &size, 1, threads, size * s->threads) &&
           logged_more(s, positions, size * s->vector_size) && logged_more(s, after, s->threads);
}

/* The words that hold names, four numbers each, and the names: what each becomes by each exchange. */
int nextrust_search_words(search *s, u32 count, const u32 *words, u32 names, const u32 *values, const u32 *renamed) {
    exchanges *e = &s->exchanges;
    e->words = (word *)copied(words, (size_t)count * 4);
    e->names = copied(values, names), e->renamed = copied(renamed, (size_t)names * e->size);
    e->words_count = count;
    return e->words && e->names && e->renamed && logged(s, WORDS_OF_NAMES, (u32[]){count, names}, 2, words, count * 4) &&
           logged_more(s, values, names) && logged_more(s, renamed, names * e->size);
}

/* The number of a local state's orbit, and what it becomes by each exchange. */
int nextrust_search_orbit(search *s, u32 thread, u32 local, u32 number, const u32 *images) {
    exchanges *e = &s->exchanges;
    u32 each = e->size + 1, *made = grown(e->orbits[thread], &e->known[thread], (local + 1) * each, sizeof(u32), 0xff);
    if (!made) return 0;
    e->orbits[thread] = made;
    made[local * each] = number;
    memcpy(made + local * each + 1, images, e->size * sizeof(u32));
    return logged(s, ORBITS, (u32[]){thread, local, number}, 3, images, e->size);
}

static int told(search *s, u32 op, const u32 *w, u32 words) {
    switch (op) {
    case KINDS: return nextrust_search_kind(s, w[0], w[1], w[2]);
    case STEPS: return nextrust_search_step(s, w[0], w[1], w[2], w[3], w[4], w[5], w[6]);
    case SHARED_BYTES: return nextrust_search_shares(s, w[0]);
    case VECTORS: return nextrust_search_vector(s, (const uint8_t *)w);
    case EFFECTS: return nextrust_search_effect(s, w[0], w[1], w[2], w[3], w[4], w[5], w + 6);
    case MONITORS: return nextrust_search_monitor(s, w[0], w[1], w[2], w[3]);
    case CLASSES: return nextrust_search_class(s, words, w);
    case MEMBERS: return nextrust_search_member(s, w[0], w + 1);
    case FOLLOWED: return nextrust_search_followed(s, w[0], w[1], w[2]);
    case RENAMED: return nextrust_search_renamed(s, w[0], w[1], w + 3, w[2]);
    case EXCHANGES: return nextrust_search_exchanges(s, w[0], w + 1, w + 1 + w[0] * s->threads, w + words - s->threads);
    case WORDS_OF_NAMES: return nextrust_search_words(s, w[0], w + 2, w[1], w + 2 + 4 * w[0], w + 2 + 4 * w[0] + w[1]);
    case ORBITS: return nextrust_search_orbit(s, w[0], w[1], w[2], w + 3);
    default: return 0;
    }
}

/* Takes what another search of the same program has logged, in its order. */
int nextrust_search_take(search *s, const u32 *words, u32 count) {
    for (u32 at = 0; at < count; at += HEAD + words[at + WORDS])
        if (!told(s, words[at + OP], words + at + HEAD, words[at + WORDS])) return 0;
    return 1;
}

/* -- states --------------------------------------------------------------------------------------------------------- */

static u64 hash(const u32 *state, u32 width) {
    u64 h = 0;
    for (u32 w = 0; w < width; w++) h = mixed(h + w, state[w]);
    return h;
}

static u32 *slot(const search *s, const u32 *state) {
    u64 at = hash(state, s->width) & s->index_mask;
    while (s->index[at] != NONE && memcmp(s->states + (size_t)s->index[at] * s->width, state, s->width * sizeof(u32)))
        at = (at + 1) & s->index_mask;
    return &s->index[at];
}

static int indexed(search *s, u64 mask) {
    u32 *index = malloc((mask + 1) * sizeof(u32));
    if (!index) return 0;
    memset(index, 0xff, (mask + 1) * sizeof(u32));
    free(s->index);
    s->index = index;
    s->index_mask = mask;
    for (u32 n = 0; n < s->count; n++) *slot(s, s->states + (size_t)n * s->width) = n;
    return 1;
}

/* Who is asked for states by number only needs no index. */
void nextrust_search_forget_index(search *s) { free(s->index), s->index = NULL; }

/* The number of a state, or NONE. States that were put together have an index once it is needed. */
int nextrust_search_find(search *s, const u32 *state, u32 *number) {
    u64 mask = 4095;
    while (2 * (u64)s->count > mask) mask = 2 * mask + 1;
    if (!s->index && !indexed(s, mask)) return 0;
    *number = *slot(s, state);
    return 1;
}

static int more_states(search *s) {
    u32 room = s->room + s->room / 2;
    u32 *states = resized(s, STATES, s->states, states_size(s, s->room), states_size(s, room));
    if (!states) return 0;
    s->states = states;
    u32 *edges = resized(s, EDGES, s->edges, edges_size(s, s->room), edges_size(s, room));
    if (!edges) {
        /* Both are as long as `room` says. */
        states = resized(s, STATES, s->states, states_size(s, room), states_size(s, s->room));
        if (states) s->states = states;
        return 0;
    }
    s->edges = edges;
    s->room = room;
    return 2 * (u64)room <= s->index_mask || indexed(s, 2 * s->index_mask + 1);
}

/* The number of a state, a new one where it is new; NONE where there is no memory. */
static u32 numbered(search *s, const u32 *state) {
    u32 *place = slot(s, state);
    if (*place != NONE) return *place;
    if (s->count == s->room) {
        if (s->room >= NONE / 2 || !more_states(s)) return NONE;
        place = slot(s, state);
    }
    memcpy(s->states + (size_t)s->count * s->width, state, s->width * sizeof(u32));
    return *place = s->count++;
}

/* Room for so many states, which are then written where `nextrust_search_state` and `nextrust_search_row` say. */
int nextrust_search_reserve(search *s, u32 count) {
    while (s->room < count)
        if (s->room >= NONE / 2 || !more_states(s)) return 0;
    return 1;
}

/* Takes so many states that were written so for met. */
void nextrust_search_written(search *s, u32 count) {
    s->count = count;
    memset(s->index, 0xff, (s->index_mask + 1) * sizeof(u32));
    for (u32 n = 0; n < count; n++) *slot(s, s->states + (size_t)n * s->width) = n;
}

/* Makes a state the next to be left behind; one that has been asks again for what is not in the tables. */
void nextrust_search_back_to(search *s, u32 at) { s->at = at; }

/* Goes on where `at` states have been left behind. */
int nextrust_search_resume(search *s, u32 at, u64 transitions, u32 finals_count, const u32 *finals) {
    u32 *room = malloc((finals_count + 64) * sizeof(u32));
    if (!room) return 0;
    memcpy(room, finals, finals_count * sizeof(u32));
    free(s->finals);
    s->finals = room, s->finals_count = finals_count, s->finals_room = finals_count + 64;
    s->at = at, s->transitions = transitions;
    u32 met = 1;
    s->depth = s->level_end = 0;
    for (u32 n = 0; n < at; n++) {
        if (n >= s->level_end) s->depth += s->level_end > 0, s->level_end = met;
        for (u32 m = 0; m < s->moves; m++) {
            u32 to = s->edges[(size_t)n * s->moves + m];
            if (to != NONE && to >= met) met = to + 1;
        }
    }
    return 1;
}

int nextrust_search_start(search *s, const u32 *state) { return numbered(s, state) == 0; }

static int described_kind(const search *s, u32 thread, u32 local) {
    return local < s->known[thread] ? s->kinds[thread][local] : 0;
}

static int kind(const search *s, u32 thread, u32 local) { return described_kind(s, thread, local) & KIND; }

/* Whether a thread may take a move, as far as its local state says. */
static int may_move(const search *s, const u32 *state, u32 move) {
    int described = described_kind(s, move % s->threads, state[move % s->threads]);
    return (described & KIND) == READY && move / s->threads <= (u32)described >> CHOICES;
}

static int has_halted(const search *s, const u32 *state) {
    for (u32 t = 0; t < s->threads; t++)
        if (kind(s, t, state[t]) >= HALTED) return 1;
    return 0;
}

static int is_final(const search *s, const u32 *state) {
    if (has_halted(s, state)) return 1;
    for (u32 t = 0; t < s->threads; t++)
        if ((s->waited_for >> t & 1) && kind(s, t, state[t]) != DONE) return 0;
    return 1;
}

static int is_judged(const search *s, const u32 *state) {
    if (state[s->threads + 1] == REFUSED) return 1;
    for (u32 t = 0; t < s->threads; t++)
        if (kind(s, t, state[t]) == WRONG || kind(s, t, state[t]) == HALTED_WRONG) return 1;
    return s->judges && is_final(s, state);
}

/* -- what follows a state ------------------------------------------------------------------------------------------- */

static int has_final(search *s, u32 number) {
    if (s->finals_count == s->finals_room) {
        u32 *finals = realloc(s->finals, 2 * (size_t)s->finals_room * sizeof(u32));
        if (!finals) return 0;
        s->finals = finals, s->finals_room *= 2;
    }
    s->finals[s->finals_count++] = number;
    return 1;
}

/* The state after a move. MOVED, WAITS, or what has to be asked for first. */
static int stepped(search *s, const u32 *state, u32 move, u32 *after) {
    u32 thread = move % s->threads;
    const entry *e = look(s, key(TAG_STEP, move, state[thread]), state[s->threads]);
    s->want_thread = move;
    if (!e->a) {
        if (!derived(s, move, state[thread], state[s->threads])) return STEP;
        e = look(s, key(TAG_STEP, move, state[thread]), state[s->threads]);
    }
    if (e->x == NONE) return WAITS;
    u32 watched = state[s->threads + 1];
    if (e->z) {
        const entry *m = look(s, key(TAG_MONITOR, thread, watched), e->z);
        if (watched != REFUSED && !m->a) return MONITOR;
        watched = watched == REFUSED ? REFUSED : m->x;
    }
    memcpy(after, state, s->width * sizeof(u32));
    after[thread] = e->x;
    after[s->threads] = e->y;
    after[s->threads + 1] = watched;
    return MOVED;
}

static int lowest(search *s, u32 *state, u32 *places);

/* Exchanges symmetric threads so that their correspondences ascend; `places`: the thread whose place each takes. */
static int lowered(search *s, u32 *state, u32 *places) {
    if (s->exchanges.size) return lowest(s, state, places);
    for (u32 t = 0; t < s->threads; t++) places[t] = t;
    for (u32 number = 0; number < s->classes; number++) {
        class *c = &s->own[number];
        u32 have[THREADS], order[THREADS], sorted = 1;
        for (u32 p = 0; p < c->size; p++) {
            u32 value = c->numbers[p][state[c->threads[p]]], q = p;
            for (; q > 0 && have[q - 1] > value; q--) have[q] = have[q - 1], order[q] = order[q - 1], sorted = 0;
            have[q] = value, order[q] = p;
        }
        if (sorted) continue;
        u32 *watched = &state[s->threads + 1];
        if (s->renames && *watched != REFUSED) {
            const entry *e = look(s, key(TAG_RENAMED, number, *watched), coded(order, c->size));
            if (!e->a) {
                s->want_class = number, s->want_state = *watched;
                memcpy(s->want_order, order, sizeof order);
                return RENAME;
            }
            *watched = e->x;
        }
        for (u32 p = 0; p < c->size; p++) {
            state[c->threads[p]] = c->locals[have[p] * c->size + p];
            places[c->threads[order[p]]] = c->threads[p];
        }
    }
    return -1;
}

/* What a name becomes; a value that is none stays. */
static u32 renamed(const exchanges *e, const word *w, u32 exchange, u32 value) {
    u32 low = w->first, high = w->first + w->count;
    while (low < high) {
        u32 middle = (low + high) / 2;
        if (e->names[middle] == value) return e->renamed[(size_t)middle * e->size + exchange];
        if (e->names[middle] < value) low = middle + 1;
        else high = middle;
    }
    return value;
}

static void exchanged(const search *s, u32 exchange, const uint8_t *vector, uint8_t *after) {
    const exchanges *e = &s->exchanges;
    const u32 *to = e->positions + (size_t)exchange * s->vector_size;
    for (u32 at = 0; at < s->vector_size; at++) after[to[at]] = vector[at];
    for (u32 n = 0; n < e->words_count; n++) {
        const word *w = &e->words[n];
        u32 value = 0;
        for (u32 byte = 0; byte < w->width; byte++) value = value << 8 | vector[w->position + byte];
        value = renamed(e, w, exchange, value);
        for (u32 byte = w->width; byte-- > 0; value >>= 8) after[to[w->position] + byte] = (uint8_t)value;
    }
}

static const u32 *orbit(const search *s, u32 thread, u32 local) {
    return s->exchanges.orbits[thread] + (size_t)local * (s->exchanges.size + 1);
}

/* Whether the numbers of orbits ascend in each class after an exchange. */
static int ascends(const search *s, const u32 *state, const u32 *to) {
    u32 placed[THREADS];
    for (u32 t = 0; t < s->threads; t++) placed[to[t]] = *orbit(s, t, state[t]);
    for (u32 t = 0; t < s->threads; t++)
        if (s->exchanges.after[t] != NONE && placed[t] > placed[s->exchanges.after[t]]) return 0;
    return 1;
}

static void placed(const search *s, u32 exchange, const u32 *state, u32 *after) {
    const u32 *to = s->exchanges.threads + (size_t)exchange * s->threads;
    for (u32 t = 0; t < s->threads; t++) after[to[t]] = orbit(s, t, state[t])[1 + exchange];
}

/* Exchanges threads and renames shared memory so that the state is in its lowest form. */
static int lowest(search *s, u32 *state, u32 *places) {
    exchanges *e = &s->exchanges;
    u32 best = NONE, locals[THREADS], others[THREADS];
    const uint8_t *vector = s->vectors + (size_t)state[s->threads] * s->vector_size;
    for (u32 exchange = 0; exchange < e->size; exchange++) {
        if (!ascends(s, state, e->threads + (size_t)exchange * s->threads)) continue;
        exchanged(s, exchange, vector, e->other);
        placed(s, exchange, state, others);
        int order = best == NONE ? -1 : memcmp(e->other, e->least, s->vector_size);
        for (u32 t = 0; !order && t < s->threads; t++) order = (others[t] > locals[t]) - (others[t] < locals[t]);
        if (order >= 0) continue;
        uint8_t *least = e->least;
        e->least = e->other, e->other = least;
        memcpy(locals, others, sizeof locals);
        best = exchange;
    }
    u32 shared = best ? *vector_slot(s, e->least) : state[s->threads];
    if (shared == NONE) return EXCHANGE;
    memcpy(state, locals, s->threads * sizeof(u32));
    state[s->threads] = shared;
    memcpy(places, e->threads + (size_t)best * s->threads, s->threads * sizeof(u32));
    return -1;
}

static int follows(search *s, const u32 *state, u32 thread) {
    class *c = s->class_of[thread];
    if (!c) return 1;
    u32 position = 0;
    while (c->threads[position] != thread) position++;
    u32 number = c->numbers[position][state[thread]];
    s->want_thread = thread;
    return look(s, key(TAG_FOLLOWED, (u32)(c - s->own), number), state[s->threads])->a != 0;
}

/* -- a part of the states ------------------------------------------------------------------------------------------- */

/* Another share of the hash than places in the index are found by. */
static u32 owner(const search *s, const u32 *state) { return (u32)(hash(state, s->width) >> 40) % s->parts; }

/* Whose part a state is, of so many. */
u32 nextrust_search_owner(const search *s, const u32 *state) { return owner(s, state); }

/* From now on only the states of a part are its own. Edges are then numbers of states times `parts`, and the part. */
int nextrust_search_part(search *s, u32 part, u32 parts) {
    if (parts > PARTS) return 0;
    s->part = part, s->parts = parts;
    s->out = calloc(parts, sizeof(outbox));
    return s->out != NULL;
}

static int sent(search *s, u32 to, const u32 *state, u64 edge) {
    outbox *out = &s->out[to];
    u32 *states = grown(out->states, &out->room, (out->count + 1) * s->width, sizeof(u32), 0);
    if (states) out->states = states;
    u64 *edges = grown(out->edges, &out->edges_room, out->edges_count, sizeof(u64), 0);
    if (edges) out->edges = edges;
    if (!states || !edges) return 0;
    memcpy(states + (size_t)out->count++ * s->width, state, s->width * sizeof(u32));
    edges[out->edges_count++] = edge;
    return 1;
}

/* How many states are to be sent to a part; `nextrust_search_sending` has them until they are said to be sent. */
u32 nextrust_search_to_send(const search *s, u32 to) { return s->out[to].count; }
const u32 *nextrust_search_sending(const search *s, u32 to) { return s->out[to].states; }
void nextrust_search_sent(search *s, u32 to) { s->out[to].count = 0; }

/* The numbers of the states that were sent to a part first of those that have none yet. */
int nextrust_search_answered(search *s, u32 from, const u32 *numbers, u32 count) {
    outbox *out = &s->out[from];
    if (count > out->edges_count) return 0;
    for (u32 n = 0; n < count; n++) s->edges[out->edges[n]] = numbers[n] * s->parts + from;
    out->edges_count -= count;
    memmove(out->edges, out->edges + count, out->edges_count * sizeof(u64));
    return 1;
}

static int to_be_judged(search *s, u32 number) {
    u32 *unjudged = grown(s->unjudged, &s->unjudged_room, s->unjudged_count, sizeof(u32), 0);
    if (!unjudged) return 0;
    s->unjudged = unjudged;
    unjudged[s->unjudged_count++] = number;
    return 1;
}

/* The states that were met since this was last asked and have to be judged. */
u32 nextrust_search_unjudged_count(search *s) { return s->unjudged_count; }
const u32 *nextrust_search_unjudged(search *s) {
    s->unjudged_count = 0;
    return s->unjudged;
}

/* Takes states of its own part that another one has come to; `numbers` are theirs. */
int nextrust_search_receive(search *s, const u32 *states, u32 count, u32 *numbers) {
    for (u32 n = 0; n < count; n++, states += s->width) {
        u32 before = s->count;
        if ((numbers[n] = numbered(s, states)) == NONE) return 0;
        if (numbers[n] == before && is_judged(s, states) && !to_be_judged(s, before)) return 0;
    }
    return 1;
}

/* -- the search ----------------------------------------------------------------------------------------------------- */

/* The steps from a state: `after` each move that can be taken. -1, or what has to be asked for first. */
static int moved(search *s, const u32 *now, u32 after[][THREADS + 2], uint8_t *moves) {
    int over = has_halted(s, now);
    memcpy(s->want_from, now, s->width * sizeof(u32));
    for (u32 m = 0; m < s->moves; m++) {
        moves[m] = !over && may_move(s, now, m);
        if (!moves[m]) continue;
        int ask = stepped(s, now, m, after[m]);
        if (ask >= 0) return ask;
        moves[m] = ask == MOVED;
    }
    return -1;
}

/* Makes what a move leads to the state that is kept for it. -1, or what has to be asked for first. */
static int kept(search *s, const u32 *now, u32 move, u32 *after) {
    u32 places[THREADS];
    if (s->classes && !follows(s, now, move)) return FOLLOW;
    if (!s->classes && !s->exchanges.size) return -1;
    s->want_thread = move;
    return lowered(s, after, places);
}

/* Asks for whatever is to be known of what follows a state that need not be one of its own; then COMPLETE. */
int nextrust_search_ask_of(search *s, const u32 *state) {
    u32 after[MOVES][THREADS + 2];
    uint8_t moves[MOVES];
    int ask = moved(s, state, after, moves);
    for (u32 m = 0; ask < 0 && m < s->moves; m++)
        if (moves[m]) ask = kept(s, state, m, after[m]);
    return ask < 0 ? COMPLETE : ask;
}

/* Notes a state that the one being looked at leads to. -1, JUDGE or NO_MEMORY. */
static int noted(search *s, u32 move, const u32 *state) {
    u64 edge = (u64)s->at * s->moves + move;
    u32 to = s->parts > 1 ? owner(s, state) : s->part;
    if (to != s->part) return sent(s, to, state, edge) ? -1 : NO_MEMORY;
    u32 count = s->count, number = numbered(s, state);
    if (number == NONE) return NO_MEMORY;
    s->edges[edge] = number * s->parts + s->part;
    if (number < count || !is_judged(s, state)) return -1;
    s->want_state = number;
    return s->parts == 1 ? JUDGE : to_be_judged(s, number) ? -1 : NO_MEMORY;
}

/* Goes on until something has to be asked for, or `until` states have been left behind. */
int nextrust_search_run(search *s, u32 until) {
    u32 after[MOVES][THREADS + 2], now[THREADS + 2];
    uint8_t moves[MOVES];
    while (s->at < s->count) {
        if (s->at >= until) return PAUSE;
        if (s->at >= s->level_end) s->depth += s->level_end > 0, s->level_end = s->count;
        memcpy(now, s->states + (size_t)s->at * s->width, s->width * sizeof(u32));
        int ask = moved(s, now, after, moves);
        if (ask >= 0) return ask;
        u32 taken = 0;
        for (u32 m = 0; m < s->moves; m++) {
            s->edges[(size_t)s->at * s->moves + m] = NONE;
            if (!moves[m]) continue;
            taken++;
            if ((ask = kept(s, now, m, after[m])) >= 0) return ask;
            if (s->parts == 1 && (ask = noted(s, m, after[m])) >= 0) return ask;
        }
        /* What is sent cannot be sent again: nothing is to be asked for any more. */
        for (u32 m = 0; s->parts > 1 && m < s->moves; m++)
            if (moves[m] && (ask = noted(s, m, after[m])) >= 0) return ask;
        if (is_final(s, now) && !has_final(s, s->at)) return NO_MEMORY;
        s->transitions += taken;
        s->at++;
        if (s->violation != NONE) return VIOLATED;
    }
    return COMPLETE;
}

/* -- a search that keeps hashes --------------------------------------------------------------------------------------- */

static u32 *whole(const search *s, u32 number) { return s->states + (size_t)(number - s->first) * s->width; }

/* Of the start on, a hash of `bits` is kept of each state, and whole ones of the level being left and of the next. There
   are no edges, and states have no numbers by which they are found. `keys` as `hashes_new` takes them. */
int nextrust_search_hash(search *s, u32 bits, const u64 *keys) {
    s->hashes = hashes_new(s->width, bits, keys);
    free(s->edges), free(s->index);
    s->edges = s->index = NULL;
    return s->hashes && hashes_add(s->hashes, hashes_of(s->hashes, s->states), 0, 0, 0) == HASHES_NEW;
}

/* Drops the states of the level that has been left. */
static void next_level(search *s) {
    s->depth += s->level_end > 0, s->level_end = s->count;
    memmove(s->states, whole(s, s->at), states_size(s, s->count - s->at));
    s->first = s->at;
}

/* Notes a state that the one being looked at leads to. -1, JUDGE or NO_MEMORY. */
static int noted_hash(search *s, u32 move, const u32 *state) {
    if (s->count - s->first == s->room) {
        u32 room = s->room + s->room / 2;
        u32 *states = s->count >= NONE / 2 ? NULL : realloc(s->states, states_size(s, room));
        if (!states) return NO_MEMORY;
        s->states = states, s->room = room;
    }
    int added = hashes_add(s->hashes, hashes_of(s->hashes, state), s->count, s->at, (uint8_t)move);
    if (added != HASHES_NEW) return added == HASHES_KNOWN ? -1 : NO_MEMORY;
    memcpy(whole(s, s->count), state, s->width * sizeof(u32));
    s->want_state = s->count++;
    return is_judged(s, state) ? JUDGE : -1;
}

/* As `nextrust_search_run`. NO_WAY_ON: nobody can move in `want_state`, which is not final; it has been left behind. */
int nextrust_search_run_hashed(search *s, u32 until) {
    u32 after[MOVES][THREADS + 2], now[THREADS + 2];
    uint8_t moves[MOVES];
    while (s->at < s->count) {
        if (s->at >= until) return PAUSE;
        if (s->at >= s->level_end) next_level(s);
        memcpy(now, whole(s, s->at), s->width * sizeof(u32));
        int ask = moved(s, now, after, moves);
        if (ask >= 0) return ask;
        u32 taken = 0;
        for (u32 m = 0; m < s->moves; m++) {
            if (!moves[m]) continue;
            taken++;
            if ((ask = kept(s, now, m, after[m])) >= 0 || (ask = noted_hash(s, m, after[m])) >= 0) return ask;
        }
        s->transitions += taken;
        s->want_state = s->at++;
        if (!taken && !is_final(s, now)) return NO_WAY_ON;
    }
    return COMPLETE;
}

/* A state that is still whole: one that was just asked about. */
const u32 *nextrust_search_whole(const search *s, u32 number) { return whole(s, number); }

u32 nextrust_search_parent(const search *s, u32 number) { return hashes_parent(s->hashes, number); }
u32 nextrust_search_move(const search *s, u32 number) { return hashes_move(s->hashes, number); }

/* -- parts put together --------------------------------------------------------------------------------------------- */

/* Drops what it has for the states of parts, so many in each. */
int nextrust_search_merge(search *s, u32 parts, const u32 *counts) {
    u32 total = 0;
    free(s->index);
    s->index = NULL;
    for (u32 p = 0; p < parts; p++) {
        free(s->merged[p]);
        total += counts[p];
        if (!(s->merged[p] = malloc((counts[p] + 1) * sizeof(u32)))) return 0;
    }
    u32 *states = resized(s, STATES, s->states, states_size(s, s->room), states_size(s, total));
    if (states) s->states = states;
    u32 *edges = resized(s, EDGES, s->edges, edges_size(s, s->room), edges_size(s, total));
    if (edges) s->edges = edges;
    s->room = s->count = states && edges ? total : 0, s->at = s->finals_count = 0, s->transitions = 0;
    return states && edges;
}

/* The numbers of `count` states of a part from `first` on begin with `number`. */
void nextrust_search_merge_numbers(search *s, u32 part, u32 first, u32 count, u32 number) {
    for (u32 n = 0; n < count; n++) s->merged[part][first + n] = number + n;
}

/* Takes states of a part, once all have numbers, and the edges of the first `left` of them. */
void nextrust_search_merge_rows(search *s, u32 parts, u32 part, u32 first, u32 count, u32 left, const u32 *states, const u32 *edges) {
    for (u32 n = 0; n < count; n++)
        memcpy(s->states + (size_t)s->merged[part][first + n] * s->width, states + (size_t)n * s->width, s->width * sizeof(u32));
    for (u32 n = 0; n < left; n++) {
        u32 *row = s->edges + (size_t)s->merged[part][first + n] * s->moves;
        for (u32 m = 0; m < s->moves; m++) {
            u32 to = edges[(size_t)n * s->moves + m];
            row[m] = to == NONE ? NONE : s->merged[to % parts][to / parts];
            s->transitions += to != NONE;
        }
    }
}

/* All are there, of which `at` have been left behind. */
int nextrust_search_merge_end(search *s, u32 at) {
    for (u32 p = 0; p < PARTS; p++) free(s->merged[p]), s->merged[p] = NULL;
    for (s->at = 0; s->at < at; s->at++)
        if (is_final(s, s->states + (size_t)s->at * s->width) && !has_final(s, s->at)) return 0;
    return 1;
}

/* -- whether it ends ------------------------------------------------------------------------------------------------ */

#define OUT 0xfffffffeu                     /* of a component by itself, of which nothing more is to be found out */

typedef struct { u32 node, next; } visit;

/* Whether the members of a component have a way out of it, a final state, or an edge inside. */
static void described(const search *s, const u32 *where, const u32 *members, u32 size, int *leaves, int *ends, int *turns) {
    *leaves = *ends = *turns = 0;
    u32 own = where[members[0]];
    for (u32 m = 0; m < size; m++) {
        const u32 *row = s->edges + (size_t)members[m] * s->moves;
        for (u32 t = 0; t < s->moves; t++) {
            if (row[t] == NONE) continue;
            if (where[row[t]] == own) *turns = 1;
            else *leaves = 1;
        }
        if (is_final(s, s->states + (size_t)members[m] * s->width)) *ends = 1;
    }
}

static u32 root(u32 *joined, u32 pair) {
    while (joined[pair] != pair) pair = joined[pair] = joined[joined[pair]];
    return pair;
}

/* Whether each thread moves inside a component, or somewhere in it has no move; see explore/child/termination.py, which
   asks more of a strongly fair run. `local` has the position of each member. 1, 0, or -1 where there is no memory. */
static int is_fair(search *s, const u32 *where, u32 *local, const u32 *members, u32 size) {
    u32 n = s->threads, pairs = size * n, places[THREADS], after[THREADS + 2];
    u32 *joined = malloc(pairs * sizeof(u32));
    uint8_t *moved = calloc(pairs, 1);
    int fair = joined && moved ? 1 : -1;
    for (u32 pair = 0; fair == 1 && pair < pairs; pair++) joined[pair] = pair;
    for (u32 m = 0; m < size; m++) local[members[m]] = m;
    for (u32 m = 0; fair == 1 && m < size; m++) {
        const u32 *state = s->states + (size_t)members[m] * s->width;
        for (u32 t = 0; t < n; t++) {
            int enabled = 0;
            for (u32 move = t; move < s->moves; move += n) {
                u32 to = s->edges[(size_t)members[m] * s->moves + move];
                enabled |= to != NONE;
                if (to == NONE || where[to] != where[members[0]]) continue;
                moved[m * n + t] = 1;
                stepped(s, state, move, after);
                lowered(s, after, places);
                for (u32 u = 0; u < n; u++) joined[root(joined, m * n + u)] = root(joined, local[to] * n + places[u]);
            }
            if (!enabled) moved[m * n + t] = 1;
        }
    }
    for (u32 pair = 0; fair == 1 && pair < pairs; pair++)
        if (moved[pair]) moved[root(joined, pair)] = 1;
    for (u32 pair = 0; fair == 1 && pair < pairs; pair++)
        if (!moved[root(joined, pair)]) fair = 0;
    free(joined), free(moved);
    return fair;
}

/* Takes out, last first, the states that lead to none or only to such: each is a component by itself, without a way
   back. Their `order` is then OUT. Returns the least of those that lead nowhere and are not final. */
static u32 taken_out(const search *s, u32 *order, u32 *where) {
    u32 least = NONE;
    for (u32 n = s->count; n-- > 0;) {
        const u32 *row = s->edges + (size_t)n * s->moves;
        u32 m = 0, led = 0;
        for (; m < s->moves && (row[m] == NONE || order[row[m]] == OUT); m++) led |= row[m] != NONE;
        if (m < s->moves) continue;
        order[n] = OUT, where[n] = OUT;
        if (!led && !is_final(s, s->states + (size_t)n * s->width)) least = n;
    }
    return least;
}

/* What keeps a completely seen program from ending: STUCK or ENDLESS, at the least state of its component in `first`;
   ENDS; or -1 where there is no memory. Components by Tarjan, without recursion. */
int nextrust_search_ending(search *s, u32 fair_runs, u32 *first) {
    u32 count = s->count, counter = 0, depth = 0, size = 0, found = 0;
    size_t each = (size_t)count * sizeof(u32);
    u32 *order = resized(s, ENDING, NULL, 0, 6 * each);
    if (!order) return -1;
    u32 *low = order + count, *stack = low + count, *where = stack + count;
    visit *work = (visit *)(where + count);
    memset(order, 0, each);
    u32 least[3] = {NONE, taken_out(s, order, where), NONE};
    int result = ENDS;
    for (u32 base = 0; result >= 0 && base < count; base++) {
        if (order[base]) continue;
        order[base] = low[base] = ++counter, where[base] = NONE;
        stack[size++] = base;
        work[depth++] = (visit){base, 0};
        while (depth) {
            visit *top = &work[depth - 1];
            u32 node = top->node, to = top->next < s->moves ? s->edges[(size_t)node * s->moves + top->next] : NONE;
            if (top->next++ < s->moves) {
                if (to == NONE) continue;
                if (!order[to]) {
                    order[to] = low[to] = ++counter, where[to] = NONE;
                    stack[size++] = to;
                    work[depth++] = (visit){to, 0};
                } else if (where[to] == NONE && order[to] < low[node]) low[node] = order[to];
                continue;
            }
            depth--;
            if (depth && low[node] < low[work[depth - 1].node]) low[work[depth - 1].node] = low[node];
            if (low[node] != order[node]) continue;
            u32 begin = size, lowest = NONE;
            do {
                u32 member = stack[--begin];
                where[member] = found;
                if (member < lowest) lowest = member;
            } while (stack[begin] != node);
            found++;
            int leaves, ends, turns;
            described(s, where, stack + begin, size - begin, &leaves, &ends, &turns);
            if (!ends && !leaves && lowest < least[STUCK]) least[STUCK] = lowest;
            if (!ends && turns && fair_runs && lowest < least[ENDLESS]) {
                int fair = is_fair(s, where, low, stack + begin, size - begin);
                if (fair < 0) { result = -1; break; }
                if (fair) least[ENDLESS] = lowest;
            }
            size = begin;
        }
    }
    if (result >= 0) result = least[STUCK] != NONE ? STUCK : least[ENDLESS] != NONE ? ENDLESS : ENDS;
    if (result > 0) *first = least[result];
    released(s, ENDING, order, 6 * each);
    return result;
}

/* -- how a state was come to ---------------------------------------------------------------------------------------- */

/* The states by which the search first came to one. Breadth first: those that came to later ones are later themselves. */
int nextrust_search_way(search *s, u32 number) {
    u32 *parents = malloc(((size_t)number + 1) * sizeof(u32));
    if (!parents) return 0;
    memset(parents, 0xff, ((size_t)number + 1) * sizeof(u32));
    for (u32 n = 0; n < s->count && parents[number] == NONE && number; n++)
        for (u32 m = 0; m < s->moves; m++) {
            u32 to = s->edges[(size_t)n * s->moves + m];
            if (to && to <= number && parents[to] == NONE) parents[to] = n;
        }
    u32 length = 0, at = number;
    for (; at; at = parents[at]) length++;
    u32 *way = malloc((length + 1) * sizeof(u32));
    if (way) {
        free(s->way);
        s->way = way, s->way_length = length;
        for (at = number; at; at = parents[at]) way[--length] = at;
    }
    free(parents);
    return way != NULL;
}

/* -- read by Python ------------------------------------------------------------------------------------------------- */

u32 nextrust_search_depth(const search *s) { return s->depth; }
u32 nextrust_search_way_length(const search *s) { return s->way_length; }
const u32 *nextrust_search_way_states(const search *s) { return s->way; }
u32 nextrust_search_count(const search *s) { return s->count; }
u32 nextrust_search_done(const search *s) { return s->at; }
u64 nextrust_search_transitions(const search *s) { return s->transitions; }
u32 nextrust_search_finals(const search *s) { return s->finals_count; }
const u32 *nextrust_search_final(const search *s) { return s->finals; }
const u32 *nextrust_search_state(const search *s, u32 number) { return s->states + (size_t)number * s->width; }
const u32 *nextrust_search_row(const search *s, u32 number) { return s->edges + (size_t)number * s->moves; }
void nextrust_search_violated(search *s, u32 number) { s->violation = number; }
void nextrust_search_wanted(const search *s, u32 *out) {
    out[0] = s->want_thread, out[1] = s->want_state, out[2] = s->want_class;
    memcpy(out + 3, s->want_order, sizeof s->want_order);
}
const u32 *nextrust_search_wanted_of(const search *s) { return s->want_from; }
