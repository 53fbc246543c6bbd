/* Recursive descent over expressions with precedence, variables, unary operators, functions and error positions;
   the same text as reverse Polish evaluated by a stack. */
#include "out.h"

static const char *at, *begin;
static i32 variables[26];
static int error;
static struct { u8 op; i32 value; } code[64];
static int length;

static void emit(u8 op, i32 value) {
    if (length < 64)
        code[length].op = op, code[length++].value = value;
}
static void skip(void) {
    while (*at == ' ')
        at++;
}
static void fail(void) {
    if (!error)
        error = (int)(at - begin) + 1;
}
static i32 sum(void);
static NOINLINE i32 primary(void) {
    i32 v = 0;
    skip();
    if (*at >= '0' && *at <= '9') {
        while (*at >= '0' && *at <= '9')
            v = (i32)((u32)v * 10u + (u32)(*at++ - '0'));
        emit('#', v);
    } else if (*at >= 'a' && *at <= 'z') {
        emit('v', *at - 'a'), v = variables[*at++ - 'a'];
    } else if (*at == '(') {
        at++, v = sum(), skip();
        if (*at == ')')
            at++;
        else
            fail();
    } else if (*at == '-') {
        at++, v = (i32)(0 - (u32)primary()), emit('n', 0);
    } else if (*at == '~') {
        at++, v = ~primary(), emit('~', 0);
    } else if (*at == '|') {
        at++, v = sum(), skip();
        if (*at == '|')
            at++;
        else
            fail();
        v = v < 0 ? (i32)(0 - (u32)v) : v, emit('a', 0);
    } else
        fail();
    return v;
}
static i32 apply(char op, i32 a, i32 b) {
    switch (op) {
    case '+': return (i32)((u32)a + (u32)b);
    case '-': return (i32)((u32)a - (u32)b);
    case '*': return (i32)((u32)a * (u32)b);
    case '/': return b && !(b == -1) ? a / b : 0;
    case '%': return b && !(b == -1) ? a % b : 0;
    case '&': return a & b;
    default: return a ^ b;
    }
}
static NOINLINE i32 product(void) {
    i32 v = primary();
    for (;;) {
        skip();
        char op = *at;
        if (op != '*' && op != '/' && op != '%' && op != '&')
            return v;
        at++;
        i32 w = primary();
        v = apply(op, v, w), emit((u8)op, 0);
    }
}
static NOINLINE i32 sum(void) {
    i32 v = product();
    for (;;) {
        skip();
        char op = *at;
        if (error || (op != '+' && op != '-' && op != '^'))
            return v;
        at++;
        i32 w = product();
        v = apply(op, v, w), emit((u8)op, 0);
    }
}
static NOINLINE i32 polish(void) {
    i32 stack[32];
    int top = 0;
    for (int i = 0; i < length; i++)
        switch (code[i].op) {
        case '#': stack[top++] = code[i].value; break;
        case 'v': stack[top++] = variables[code[i].value]; break;
        case 'n': stack[top - 1] = (i32)(0 - (u32)stack[top - 1]); break;
        case '~': stack[top - 1] = ~stack[top - 1]; break;
        case 'a': if (stack[top - 1] < 0) stack[top - 1] = (i32)(0 - (u32)stack[top - 1]); break;
        default: top--, stack[top - 1] = apply((char)code[i].op, stack[top - 1], stack[top]);
        }
    return stack[0];
}

int main(void) {
    static const char *const texts[] = {"1+2*3", "(1+2)*3", "-4 - -5", "2*(3+(4*(5-6)))%7", "a*b-c", "~0^255&15", "|a-b|*|b-a|",
                                        "100/7%5", "2147483647+1", "((((1))))", "1+", "(2", "3 $ 4", "z/0", "-(-(-(a)))"};
    for (int i = 0; i < 26; i++)
        variables[i] = i * i * 31 - 100;
    int bad = 0, errors = 0;
    for (int i = 0; i < COUNT(texts); i++) {
        at = begin = texts[i], error = 0, length = 0;
        i32 v = sum();
        skip();
        if (*at)
            fail();
        put(texts[i]), put(" -> ");
        if (error)
            put("error at "), put_i32(error), errors++;
        else
            put_i32(v), bad += polish() != v;
        sp();
        for (int k = 0; k < length; k++)
            put_char((char)code[k].op);
        nl();
    }
    say_i32("errors", errors);
    return done(bad ? 1 : errors);
}
