// The loops that the limits of a machine are measured with (Machine.h): as much arithmetic, or as
// much memory traffic, as the instruction set allows, and nothing else.
#pragma once

#include <cstdint>
#include <string_view>

namespace cameo {

/// Does the arithmetic of `steps` steps in registers; returns how many operations that was. A
/// multiplication and an addition count as two.
using ArithmeticLoop = double (*)(int64_t steps);

struct PeakLoops {
  /// Multiply-adds of f32, and products with sums in f32 and i32 of pairs of bf16 and of fours of
  /// bytes; nullptr where this processor has no instruction for them.
  ArithmeticLoop f32, bf16, int8;
  /// Read, write and copy memory: `bytes` is a multiple of 4096, pointers are aligned to 64 bytes.
  void (*read)(const char *from, int64_t bytes);
  void (*write)(char *to, int64_t bytes);
  void (*copy)(char *to, const char *from, int64_t bytes);
};

/// The fastest of each that this processor has.
PeakLoops peakLoops();

} // namespace cameo
