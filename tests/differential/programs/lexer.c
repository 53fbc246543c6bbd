/* A table-driven scanner for a small language: identifiers, numbers in three bases, strings, comments, operators. */
#include "out.h"

static const char source[] = "let x1 = 0x1F + 017*42; // sum\n"
                             "if (x1 >= 10 && y_2 != 3.25e1) { print(\"a\\\"b\\n\", x1<<2); }\n"
                             "/* a * comment ** here */ while(i-->0) i+=i->next; @ \"open";
enum kind { NAME, KEYWORD, INT, FLOAT, STRING, OPERATOR, BAD, END };
static const char *const names[] = {"name", "keyword", "int", "float", "string", "operator", "bad", "end"};
static const char *const keywords[] = {"let", "if", "while", "print"};
static const char *const operators[] = {"<<=", ">>=", "->", "--", "++", "<<", ">>", ">=", "<=", "==", "!=", "&&", "||", "+=", "-="};
static const char *at = source;
static int line = 1;

static u8 class(char c) {
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_')
        return 1;
    if (c >= '0' && c <= '9')
        return 2;
    if (c == ' ' || c == '\n' || c == '\t')
        return 3;
    return 0;
}
static NOINLINE enum kind token(const char **start, int *length, u32 *value) {
again:
    while (class(*at) == 3)
        line += *at++ == '\n';
    if (at[0] == '/' && at[1] == '/') {
        while (*at && *at != '\n')
            at++;
        goto again;
    }
    if (at[0] == '/' && at[1] == '*') {
        for (at += 2; *at && !(at[0] == '*' && at[1] == '/'); at++)
            ;
        at += 2;
        goto again;
    }
    *start = at, *value = 0;
    enum kind kind = OPERATOR;
    if (!*at)
        kind = END;
    else if (class(*at) == 1) {
        kind = NAME;
        while (class(*at) == 1 || class(*at) == 2)
            *value = *value * 31 + (u8)*at++;
        for (int i = 0; i < COUNT(keywords); i++) {
            const char *k = keywords[i], *p = *start;
            while (*k && *k == *p)
                k++, p++;
            if (!*k && p == at)
                kind = KEYWORD, *value = (u32)i;
        }
    } else if (class(*at) == 2) {
        u32 base = 10;
        kind = INT;
        if (*at == '0')
            base = (at[1] | 32) == 'x' ? 16 : 8;
        if (base == 16)
            at += 2;
        for (;; at++) {
            u32 digit = class(*at) == 2 ? (u32)(*at - '0') : class(*at) == 1 ? (u32)((*at | 32) - 'a' + 10) : 99;
            if (digit >= base)
                break;
            *value = *value * base + digit;
        }
        if (base == 10 && *at == '.') {
            kind = FLOAT;
            for (at++; class(*at) == 2; at++)
                *value = *value * 10 + (u32)(*at - '0');
            if (*at == 'e')
                for (at++; class(*at) == 2; at++)
                    *value += 1000000u * (u32)(*at - '0');
        }
    } else if (*at == '"') {
        kind = STRING;
        for (at++; *at && *at != '"'; at++) {
            if (*at == '\\')
                at++;
            *value = *value * 7 + (u8)*at;
        }
        if (*at)
            at++;
        else
            kind = BAD;
    } else {
        for (int i = 0; i < COUNT(operators); i++) {
            int n = 0;
            while (operators[i][n] && operators[i][n] == at[n])
                n++;
            if (!operators[i][n]) {
                at += n;
                goto out;
            }
        }
        if (*at == '@')
            kind = BAD;
        at++;
    }
out:
    *length = (int)(at - *start);
    return kind;
}

int main(void) {
    int counts[8] = {0};
    for (;;) {
        const char *start;
        int length;
        u32 value;
        enum kind kind = token(&start, &length, &value);
        counts[kind]++;
        put_i32(line), sp(), put(names[kind]), sp();
        for (int i = 0; i < length; i++)
            put_char(start[i]);
        sp(), put_u32(value), nl();
        if (kind == END)
            break;
    }
    for (int i = 0; i < 8; i++)
        put_i32(counts[i]), sp();
    nl();
    return done(counts[OPERATOR]);
}
