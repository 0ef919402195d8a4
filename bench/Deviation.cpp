// See Deviation.h.
#include "bench/Deviation.h"

#include "ir/Half.h"

#include <cmath>
#include <cstring>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <tuple>

namespace cameo {

namespace {

/// The smallest step of a type relative to 1; 0 where the fixed limits apply.
double halfEpsilon(DType dtype) {
  return isStorageOnly(dtype) ? std::ldexp(1.0, 1 - dtypeSpec(dtype).digits) : 0;
}

double epsilonOf(DType dtype, const Judgement &judgement) {
  return std::max(halfEpsilon(dtype), halfEpsilon(judgement.precision));
}

Grade gradeOf(double value, double excellent, double good) {
  return value < excellent ? Grade::Excellent : value < good ? Grade::Good : Grade::Poor;
}

/// Sums over the finite elements, in one pass; long enough for the squares of all doubles.
struct Sums {
  long double error = 0, want = 0, got = 0, product = 0;
};

void addElement(Deviation &deviation, Sums &sums, int64_t i, double want, double got) {
  if (!std::isfinite(want) || !std::isfinite(got)) {
    bool same = std::isnan(want) ? std::isnan(got) : want == got;
    deviation.mismatches += same ? 0 : 1;
    return;
  }
  double difference = std::fabs(got - want);
  if (difference > deviation.maxAbs) {
    deviation.maxAbs = difference;
    deviation.worst = i;
    deviation.wantWorst = want;
    deviation.gotWorst = got;
  }
  deviation.scale = std::max(deviation.scale, std::fabs(want));
  long double error = difference, x = want, y = got;
  sums.error += error * error;
  sums.want += x * x;
  sums.got += y * y;
  sums.product += x * y;
}

/// 64-bit integers lose low bits as double: equal doubles of unequal integers still differ.
void addWide(Deviation &deviation, Sums &sums, const Tensor &want, const Tensor &got) {
  for (int64_t i = 0; i < deviation.elements; ++i) {
    int64_t a = 0, b = 0;
    std::memcpy(&a, want.data() + 8 * i, 8);
    std::memcpy(&b, got.data() + 8 * i, 8);
    double x = static_cast<double>(a), y = static_cast<double>(b);
    if (want.dtype == DType::U64) {
      x = static_cast<double>(static_cast<uint64_t>(a));
      y = static_cast<double>(static_cast<uint64_t>(b));
    }
    if (a != b && x == y)
      y = std::nextafter(x, HUGE_VAL);
    addElement(deviation, sums, i, x, y);
  }
}

double cosineOf(const Sums &sums) {
  if (sums.want == 0 && sums.got == 0)
    return 1;
  if (sums.want == 0 || sums.got == 0)
    return 0;
  return static_cast<double>(sums.product / (std::sqrt(sums.want) * std::sqrt(sums.got)));
}

void judgeSteps(Deviation &deviation, double step) {
  deviation.steps = deviation.maxAbs / step;
  // A dequantized float is a product, so a step is not exactly one.
  constexpr double slack = 1e-3;
  deviation.grade = gradeOf(deviation.steps, slack, 1 + slack);
}

void judgeExact(Deviation &deviation) {
  deviation.grade = deviation.maxAbs == 0 ? Grade::Excellent : Grade::Poor;
}

void judgeFloat(Deviation &deviation, double epsilon) {
  auto limits = [&](Limits ofFloats, double epsilons) {
    double most = epsilons * epsilon;
    return most > 0 ? Limits{most, most * most, ofFloats.cosine} : ofFloats;
  };
  Limits excellent = limits(kExcellent, 1), good = limits(kGood, 8);
  deviation.grade = std::max({gradeOf(deviation.relative, excellent.difference, good.difference),
                              gradeOf(deviation.mse, excellent.mse, good.mse),
                              gradeOf(-deviation.cosine, -excellent.cosine, -good.cosine)});
}

bool withinTolerance(const Deviation &deviation, DType dtype, const Judgement &judgement) {
  double atol = std::max(judgement.atol, 8 * epsilonOf(dtype, judgement));
  return isFloat(dtype) && judgement.step == 0 && deviation.relative <= atol &&
         deviation.cosine > kGood.cosine;
}

Verdict exportVerdict(Grade grade) {
  switch (grade) {
  case Grade::Excellent:
    return Verdict::Pass;
  case Grade::Good:
    return Verdict::Warn;
  case Grade::Poor:
    return Verdict::Fail;
  }
  ICE("a grade without a case");
}

void judge(Deviation &deviation, DType dtype, const Judgement &judgement) {
  bool narrow =
      dtype == DType::I8 || dtype == DType::U8 || dtype == DType::I16 || dtype == DType::U16;
  if (judgement.step > 0)
    judgeSteps(deviation, judgement.step);
  else if (isFloat(dtype))
    judgeFloat(deviation, epsilonOf(dtype, judgement));
  else if (judgement.quantized && narrow)
    judgeSteps(deviation, 1);
  else
    judgeExact(deviation);
  if (deviation.mismatches > 0) {
    deviation.grade = Grade::Poor;
    deviation.verdict = Verdict::Fail;
  } else if (judgement.thresholds == Thresholds::Export) {
    deviation.verdict = exportVerdict(deviation.grade);
  } else if (deviation.grade != Grade::Poor || withinTolerance(deviation, dtype, judgement)) {
    deviation.verdict = Verdict::Pass;
  } else {
    deviation.verdict = deviation.cosine > kGood.cosine ? Verdict::Warn : Verdict::Fail;
  }
}

} // namespace

std::string_view gradeName(Grade grade) {
  switch (grade) {
  case Grade::Excellent:
    return "excellent";
  case Grade::Good:
    return "good";
  case Grade::Poor:
    return "poor";
  }
  return "";
}

std::string_view verdictName(Verdict verdict) {
  switch (verdict) {
  case Verdict::Pass:
    return "PASS";
  case Verdict::Warn:
    return "WARN";
  case Verdict::Fail:
    return "FAIL";
  }
  return "";
}

Deviation measure(const Tensor &want, const Tensor &got, const Judgement &judgement) {
  Deviation deviation;
  if (want.dtype != got.dtype || want.dims != got.dims) {
    deviation.reason = want.dtype != got.dtype
                           ? fmt::format("expected element type {}, got {}", dtypeName(want.dtype),
                                         dtypeName(got.dtype))
                           : fmt::format("expected shape [{}], got [{}]", fmt::join(want.dims, ","),
                                         fmt::join(got.dims, ","));
    deviation.grade = Grade::Poor;
    deviation.verdict = Verdict::Fail;
    return deviation;
  }
  deviation.elements = want.size();
  Sums sums;
  if (want.dtype == DType::String) {
    for (int64_t i = 0; i < deviation.elements; ++i)
      deviation.mismatches +=
          (*want.strings)[static_cast<size_t>(i)] != (*got.strings)[static_cast<size_t>(i)];
  } else if (dtypeBytes(want.dtype) == 8 && isInt(want.dtype)) {
    addWide(deviation, sums, want, got);
  } else {
    int64_t width = dtypeBytes(want.dtype);
    for (int64_t i = 0; i < deviation.elements; ++i)
      addElement(deviation, sums, i, loadDouble(want.dtype, want.data() + i * width),
                 loadDouble(got.dtype, got.data() + i * width));
  }
  deviation.relative = deviation.maxAbs / deviation.scale;
  long double scale = deviation.scale;
  if (deviation.elements > 0)
    deviation.mse = static_cast<double>(sums.error / static_cast<long double>(deviation.elements) /
                                        (scale * scale));
  deviation.cosine = cosineOf(sums);
  if (sums.error > 0)
    deviation.noise = static_cast<double>(10 * std::log10(sums.error / sums.want));
  judge(deviation, want.dtype, judgement);
  return deviation;
}

const Deviation &worse(const Deviation &a, const Deviation &b) {
  auto key = [](const Deviation &d) { return std::tuple(d.verdict, d.grade, d.relative); };
  return key(b) > key(a) ? b : a;
}

} // namespace cameo
