/* Text parsing: words, counts, the longest, a frequency table kept in order, justified lines. */
#include "out.h"

static const char text[] =
    "the quick brown fox jumps over the lazy dog while the other fox, who is not so quick, sleeps under the brown "
    "tree; a dog that sleeps is a dog that dreams, and what the dog dreams no fox will know. The end.";

struct word {
    char name[12];
    int count;
};
static struct word words[64];
static int used;

static int is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

static NOINLINE void count(const char *start, int n) {
    struct word w = {{0}, 1};
    for (int i = 0; i < n && i < 11; i++)
        w.name[i] = (char)(start[i] | 32);
    int at = 0;
    while (at < used) {
        int i = 0;
        while (w.name[i] && w.name[i] == words[at].name[i])
            i++;
        int order = w.name[i] - words[at].name[i];
        if (!order) {
            words[at].count++;
            return;
        }
        if (order < 0)
            break;
        at++;
    }
    for (int i = used++; i > at; i--)
        words[i] = words[i - 1];
    words[at] = w;
}

static NOINLINE void justify(int width) {
    const char *p = text;
    while (*p) {
        const char *start = p, *last = p, *q = p;
        int n = 0;
        while (*q && q - start <= width) {
            while (*q && *q != ' ')
                q++;
            if (q - start > width)
                break;
            last = q, n++;
            while (*q == ' ')
                q++;
        }
        int gaps = n - 1, spare = width - (int)(last - start), seen = 0;
        put_char('|');
        for (p = start; p < last; p++) {
            put_char(*p);
            if (*p == ' ' && gaps && *q) {
                int extra = spare * (seen + 1) / gaps - spare * seen / gaps;
                while (extra--)
                    put_char('.');
                seen++;
            }
        }
        put_char('|'), nl();
        while (*p == ' ')
            p++;
    }
}

int main(void) {
    const char *p = text;
    int longest = 0, total = 0;
    while (*p) {
        if (!is_letter(*p)) {
            p++;
            continue;
        }
        const char *start = p;
        while (is_letter(*p))
            p++;
        total++;
        if (p - start > longest)
            longest = (int)(p - start);
        count(start, (int)(p - start));
    }
    for (int i = 0; i < used; i++)
        say_i32(words[i].name, words[i].count);
    say_i32("words", total), say_i32("longest", longest), say_i32("different", used);
    justify(38);
    justify(57);
    return done(used);
}
