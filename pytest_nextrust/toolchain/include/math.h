#ifndef _MATH_H
#define _MATH_H
#define HUGE_VAL __builtin_huge_val()
#define INFINITY __builtin_inff()
#define NAN __builtin_nanf("")
double sqrt(double x);
double fabs(double x);
double floor(double x);
double ceil(double x);
#endif
