/*
 * Functions that generated code may call, all pure. Besides those declared here the folder defines
 * under their usual names what LLVM itself calls for operations a target lacks: memcpy, memmove,
 * memset, memcmp (Memory.c), floor, ceil, trunc, round, rint, nearbyint, roundeven, fmod and their
 * float versions (Round.c), and the helpers of 32-bit ARM (Arm.c). They keep a generated library
 * free of libm and of the compiler's own library.
 *
 * All assume round to nearest, which a run sets. None sets errno or needs exception flags.
 */
#ifndef CAMEO_SUPPORT_SUPPORT_H
#define CAMEO_SUPPORT_SUPPORT_H

#include <stdint.h>

/* Half types as their bits. Conversions round to nearest even, keep NaN (made quiet, its upper
   payload bits kept), infinities, zeros' signs and denormals, whatever the CPU's mode. */
float cameo_half_to_float(uint16_t half);
double cameo_half_to_double(uint16_t half);
uint16_t cameo_float_to_half(float value);
uint16_t cameo_double_to_half(double value);
float cameo_bfloat_to_float(uint16_t bfloat);
double cameo_bfloat_to_double(uint16_t bfloat);
uint16_t cameo_float_to_bfloat(float value);
uint16_t cameo_double_to_bfloat(double value);

/* The C library's functions of those names, within 2 ulp (bounds in docs/runtime.md), with its
   results for NaN, infinities and zeros. */
double cameo_exp(double x);
double cameo_expm1(double x);
double cameo_log(double x);
double cameo_log1p(double x);
double cameo_pow(double x, double y);
double cameo_sin(double x);
double cameo_cos(double x);
double cameo_tan(double x);
double cameo_asin(double x);
double cameo_acos(double x);
double cameo_atan(double x);
double cameo_sinh(double x);
double cameo_cosh(double x);
double cameo_tanh(double x);
double cameo_asinh(double x);
double cameo_acosh(double x);
double cameo_atanh(double x);
double cameo_erf(double x);

#endif
