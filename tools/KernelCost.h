// What a kernel has to do at least, whoever writes its code: arithmetic and memory traffic. From
// this and the limits of a machine (bench/Machine.h) follows how fast it could be (Roofline.h).
#pragma once

#include "ir/Module.h"

#include <map>
#include <string>

namespace cameo {

/// What the products of a kernel are computed in.
enum class Arithmetic { F32, Bf16, Int8 };

struct KernelCost {
  /// Multiplications and additions of convolutions and products by definition, whatever the
  /// algorithm; 0 for other kernels.
  double flops = 0;
  /// Those that the algorithm needs: Winograd's fewer, its transforms not counted; of f32 as
  /// pieces six times as many, of bf16.
  double products = 0;
  Arithmetic arithmetic = Arithmetic::F32;
  bool isWinograd = false;
  /// What is done to single elements besides, in simple operations of a vector lane; an estimate.
  double elementOps = 0;
  /// Bytes of constants, of other operands and of results, each once. Operands of which only the
  /// run knows what is read of them count nothing.
  double weightBytes = 0, readBytes = 0, writtenBytes = 0;

  double bytes() const { return weightBytes + readBytes + writtenBytes; }
};

/// `sizes` gives symbols values; those without are 1.
KernelCost kernelCost(const Func &main, const Op &op, const std::map<std::string, int64_t> &sizes);

/// The value of an expression over symbols, under the same rule.
double sizeOf(const Dim &dim, const std::map<std::string, int64_t> &sizes);

} // namespace cameo
