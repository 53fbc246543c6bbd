/* A report from text: lines of comma separated values with quotes, sums in fixed point, columns, bars, Roman numerals, number names. */
#include "out.h"

static const char data[] = "name,qty,price,note\n"
                           "bolt,120,0.25,\"small, zinc\"\n"
                           "nut,75,0.10,\n"
                           "washer,1000,0.02,\"say \"\"hi\"\"\"\n"
                           "gear,3,49.99,\"brass\"\n"
                           "motor,1,1299.5,heavy\n";
static char cell[4][24];

static NOINLINE const char *row(const char *p) {
    for (int c = 0; c < 4; c++) {
        int n = 0, quoted = *p == '"';
        p += quoted;
        while (*p && (quoted || (*p != ',' && *p != '\n'))) {
            if (quoted && *p == '"') {
                if (p[1] != '"') {
                    p++;
                    break;
                }
                p++;
            }
            if (n < 23)
                cell[c][n++] = *p;
            p++;
        }
        cell[c][n] = 0;
        if (*p)
            p++;
    }
    return p;
}
static NOINLINE i32 cents(const char *s) {
    i32 v = 0, places = -1;
    for (; *s && places < 2; s++)
        if (*s == '.')
            places = 0;
        else
            v = v * 10 + (*s - '0'), places += places >= 0;
    for (places = places < 0 ? 0 : places; places < 2; places++)
        v *= 10;
    return v;
}
static NOINLINE void money(i32 v, int width) {
    char t[16];
    int n = 0;
    for (int i = 0; i < 3 || v; i++) {
        if (i == 2)
            t[n++] = '.';
        if (i > 2 && (i - 2) % 3 == 0)
            t[n++] = ',';
        t[n++] = (char)('0' + v % 10), v /= 10;
    }
    while (width-- > n)
        sp();
    while (n)
        put_char(t[--n]);
}
static NOINLINE void roman(int n) {
    static const struct {
        i16 value;
        char text[3];
    } r[] = {{1000, "M"}, {900, "CM"}, {500, "D"}, {400, "CD"}, {100, "C"}, {90, "XC"}, {50, "L"}, {40, "XL"}, {10, "X"}, {9, "IX"}, {5, "V"}, {4, "IV"}, {1, "I"}};
    for (int i = 0; n; i++)
        for (; n >= r[i].value; n -= r[i].value)
            put(r[i].text);
}
static NOINLINE void spell(u32 n) {
    static const char *const ones[] = {"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen",
                                       "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"};
    static const char *const tens[] = {"", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"};
    if (n >= 1000000)
        spell(n / 1000000), put(" million"), n %= 1000000, put(n ? " " : "");
    else if (n >= 1000)
        spell(n / 1000), put(" thousand"), n %= 1000, put(n ? " " : "");
    else if (n >= 100)
        put(ones[n / 100]), put(" hundred"), n %= 100, put(n ? " and " : "");
    else if (n >= 20)
        put(tens[n / 10]), n %= 10, put(n ? "-" : "");
    else {
        put(ones[n]);
        return;
    }
    if (n)
        spell(n);
}

int main(void) {
    const char *p = row(data);
    i32 total = 0;
    while (*p) {
        p = row(p);
        i32 quantity = cents(cell[1]) / 100, price = cents(cell[2]), sum = quantity * price;
        total += sum;
        int n = 0;
        for (; cell[0][n]; n++)
            put_char(cell[0][n]);
        while (n++ < 8)
            put_char('.');
        money(price, 10), put(" x "), put_i32(quantity), put(" = "), money(sum, 12), put("  ["), put(cell[3]), put("] ");
        for (i32 i = 0; i < sum / 5000; i++)
            put_char('*');
        nl();
    }
    money(total, 12), nl();
    static const int years[] = {1985, 1988, 1993, 1995, 2024, 3999, 4};
    for (int i = 0; i < COUNT(years); i++)
        roman(years[i]), sp(), spell((u32)years[i] * 977u), nl();
    return done(total % 97);
}
