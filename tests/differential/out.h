/* Output for the differential programs: write(1, ...) and number formatting of its own, nothing else.

   Two printf implementations may differ; these programs must not notice. Text is collected in a buffer and leaves by
   write(): when the buffer is full, and at the end of main, which is spelled `return done(status);`. */
#ifndef OUT_H
#define OUT_H

typedef unsigned char u8;
typedef signed char i8;
typedef unsigned short u16;
typedef short i16;
typedef unsigned int u32;
typedef int i32;
typedef unsigned long long u64;
typedef long long i64;

extern int write(int descriptor, const void *bytes, unsigned int count);

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#ifdef __clang__
#define NOINLINE __attribute__((noinline))
#else
#define NOINLINE __attribute__((noinline, noclone))
#endif

static char out_buffer[1024];
static unsigned int out_used;
static u32 out_sum = 2166136261u;

static void out_flush(void) {
    unsigned int at = 0;
    while (at < out_used) {
        int wrote = write(1, out_buffer + at, out_used - at);
        if (wrote <= 0)
            break;
        at += (unsigned int)wrote;
    }
    out_used = 0;
}

static void put_char(char c) {
    if (out_used == sizeof out_buffer)
        out_flush();
    out_buffer[out_used++] = c;
    out_sum = (out_sum ^ (u8)c) * 16777619u;
}

__attribute__((unused)) static void put(const char *text) {
    while (*text)
        put_char(*text++);
}

__attribute__((unused)) static void nl(void) { put_char('\n'); }

__attribute__((unused)) static void sp(void) { put_char(' '); }

__attribute__((unused)) static void put_u64(u64 value) {
    char digits[20];
    int n = 0;
    do {
        digits[n++] = (char)('0' + (int)(value % 10));
        value /= 10;
    } while (value);
    while (n)
        put_char(digits[--n]);
}

__attribute__((unused)) static void put_i64(i64 value) {
    if (value < 0) {
        put_char('-');
        put_u64(0 - (u64)value);
    } else
        put_u64((u64)value);
}

__attribute__((unused)) static void put_u32(u32 value) {
    char digits[10];
    int n = 0;
    do {
        digits[n++] = (char)('0' + (int)(value % 10));
        value /= 10;
    } while (value);
    while (n)
        put_char(digits[--n]);
}

__attribute__((unused)) static void put_i32(i32 value) {
    if (value < 0) {
        put_char('-');
        put_u32(0 - (u32)value);
    } else
        put_u32((u32)value);
}

__attribute__((unused)) static void put_hex(u32 value, int digits) {
    while (digits--)
        put_char("0123456789abcdef"[(value >> (digits * 4)) & 15]);
}

__attribute__((unused)) static void put_hex64(u64 value) {
    put_hex((u32)(value >> 32), 8);
    put_hex((u32)value, 8);
}

/* The bits of a floating-point value, so that no rounding of the printing hides a difference. */
__attribute__((unused)) static void put_double(double value) {
    union {
        double d;
        u64 u;
    } bits;
    bits.d = value;
    put_hex64(bits.u);
}

__attribute__((unused)) static void put_float(float value) {
    union {
        float f;
        u32 u;
    } bits;
    bits.f = value;
    put_hex(bits.u, 8);
}

__attribute__((unused)) static void say_i32(const char *name, i32 value) {
    put(name);
    put_char('=');
    put_i32(value);
    nl();
}

__attribute__((unused)) static void say_u32(const char *name, u32 value) {
    put(name);
    put_char('=');
    put_u32(value);
    nl();
}

__attribute__((unused)) static void say_hex(const char *name, u32 value) {
    put(name);
    put_char('=');
    put_hex(value, 8);
    nl();
}

__attribute__((unused)) static void say_i64(const char *name, i64 value) {
    put(name);
    put_char('=');
    put_i64(value);
    nl();
}

__attribute__((unused)) static void say_hex64(const char *name, u64 value) {
    put(name);
    put_char('=');
    put_hex64(value);
    nl();
}

__attribute__((unused)) static void say_double(const char *name, double value) {
    put(name);
    put_char('=');
    put_double(value);
    nl();
}

/* A small generator (xorshift32), so that every program can make its own data. */
static u32 out_seed = 2463534242u;

__attribute__((unused)) static u32 next_random(void) {
    out_seed ^= out_seed << 13;
    out_seed ^= out_seed >> 17;
    out_seed ^= out_seed << 5;
    return out_seed;
}

/* The last line is a sum over everything printed; the exit status is the program's own, or a part of that sum. */
static int done(int status) {
    u32 sum = out_sum;
    say_hex("sum", sum);
    out_flush();
    return status >= 0 ? status : (int)(sum % 113);
}

#endif
