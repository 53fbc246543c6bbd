/* String functions written out: length, copy, compare, concatenate, reverse, search, case, numbers from text. */
#include "out.h"

static NOINLINE int length(const char *s) {
    const char *p = s;
    while (*p)
        p++;
    return (int)(p - s);
}
static NOINLINE char *copy(char *to, const char *from) {
    char *start = to;
    while ((*to++ = *from++))
        ;
    return start;
}
static NOINLINE int compare(const char *a, const char *b) {
    while (*a && *a == *b)
        a++, b++;
    return (u8)*a - (u8)*b;
}
static NOINLINE char *append(char *to, const char *from) {
    copy(to + length(to), from);
    return to;
}
static NOINLINE void reverse(char *s) {
    for (int i = 0, j = length(s) - 1; i < j; i++, j--) {
        char t = s[i];
        s[i] = s[j], s[j] = t;
    }
}
static NOINLINE const char *find(const char *s, char c) {
    do
        if (*s == c)
            return s;
    while (*s++);
    return 0;
}
static NOINLINE char upper(char c) { return c >= 'a' && c <= 'z' ? (char)(c - 32) : c; }
static NOINLINE i32 number(const char *s) {
    i32 n = 0, sign = 1;
    while (*s == ' ')
        s++;
    if (*s == '-' || *s == '+')
        sign = *s++ == '-' ? -1 : 1;
    while (*s >= '0' && *s <= '9')
        n = n * 10 + (*s++ - '0');
    return n * sign;
}

int main(void) {
    static const char *words[] = {"", "a", "NeXT", "motorola", "sixty-eight thousand", "\xe9t\xe9", "zz"};
    char buffer[200] = "";
    for (int i = 0; i < COUNT(words); i++) {
        say_i32(words[i], length(words[i]));
        for (int j = 0; j < COUNT(words); j++)
            put_i32(compare(words[i], words[j])), sp();
        nl();
        append(append(buffer, words[i]), "/");
    }
    put(buffer), nl();
    reverse(buffer);
    put(buffer), nl();
    for (char *p = buffer; *p; p++)
        *p = upper(*p);
    put(buffer), nl();
    for (const char *c = "/aXz\n"; *c; c++) {
        const char *at = find(buffer, *c);
        say_i32("at", at ? (i32)(at - buffer) : -1);
    }
    static const char *numbers[] = {"0", "-0", "12345", " -2147483647", "+77x", "junk", "2147483647"};
    for (int i = 0; i < COUNT(numbers); i++)
        put_i32(number(numbers[i])), sp();
    nl();
    return done(length(buffer));
}
