// How far one tensor is from another, and whether that is good enough. The measures and classes are
// those of docs/compare.md; nothing else in the project has an opinion on them.
#pragma once

#include "ir/eval/graph/Tensor.h"

#include <cmath>

namespace cameo {

enum class Grade { Excellent, Good, Poor };
enum class Verdict { Pass, Warn, Fail };
std::string_view gradeName(Grade grade);
std::string_view verdictName(Verdict verdict);

/// Floats are excellent within the first limits and good within the second. An output's grade is
/// the worst of the three measures'. `cameo export` has the same limits (_deviation.py).
struct Limits {
  double difference, mse, cosine;
};
constexpr Limits kExcellent = {1e-5, 1e-10, 0.9999}, kGood = {1e-4, 1e-8, 0.999};

/// What grades mean. Standard: excellent and good pass, and so does what is within a tolerance; a
/// poor output of a good cosine similarity is a warning. Export: only excellent passes, good is a
/// warning, and poor fails.
enum class Thresholds { Standard, Export };

/// How the elements of an output are judged.
struct Judgement {
  double atol = 1e-4; // of the output's scale; half types are allowed at least 8 of their epsilon
  /// For an output that is a dequantized integer: the size of one quantization step, else 0.
  double step = 0;
  /// The narrowest float type on the way to the output, whose epsilon then counts.
  DType precision = DType::F32;
  /// 8-bit and 16-bit integers count in steps, one step being a tie rounded the other way.
  bool quantized = false;
  Thresholds thresholds = Thresholds::Standard;
};

struct Deviation {
  int64_t elements = 0;
  double maxAbs = 0;  // largest |got - want| of the finite elements
  int64_t worst = -1; // where that is: flat index, -1 if nothing differs
  double wantWorst = 0, gotWorst = 0;
  double scale = 1;         // max(1, max |want|)
  double relative = 0;      // maxAbs / scale
  double mse = 0;           // mean squared error / scale^2
  double cosine = 1;        // 1 for two zero vectors
  double noise = -HUGE_VAL; // energy of the differences over that of `want`, in decibels
  double steps = 0;         // maxAbs in quantization steps, when judged so
  int64_t mismatches = 0;   // NaN or Inf in one and not the other, or unequal strings and bools
  /// Set when the tensors cannot be compared: element types or shapes differ.
  std::string reason;
  Grade grade = Grade::Excellent;
  Verdict verdict = Verdict::Pass;

  bool comparable() const { return reason.empty(); }
};

/// Measures `got` against the reference `want` and judges it.
Deviation measure(const Tensor &want, const Tensor &got, const Judgement &judgement = {});

/// The worse of two deviations, for summaries over samples: the later verdict, then grade, then the
/// larger relative difference.
const Deviation &worse(const Deviation &a, const Deviation &b);

} // namespace cameo
