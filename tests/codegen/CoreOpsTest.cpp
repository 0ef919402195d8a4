// Every scalar op on every element type, as scalars and vectors, for baseline and newer CPUs,
// against plain C++: the edges of integers, NaN, infinities, signed zeros and denormals.
#include "ir/Half.h"
#include "tests/codegen/Harness.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <map>

namespace cameo::test {
namespace {

// A number of any element type: integers in `i` (as their 64 bits), floats in `f`.
struct Number {
  int64_t i = 0;
  double f = 0;
};

Number load(DType dtype, const std::byte *from) {
  Number number;
  if (isFloat(dtype) || dtypeBytes(dtype) < 8) {
    number.f = loadDouble(dtype, from);
    number.i = std::isfinite(number.f) && !isFloat(dtype) ? static_cast<int64_t>(number.f) : 0;
  } else {
    std::memcpy(&number.i, from, 8);
  }
  return number;
}

// Integers wrap.
void store(DType dtype, std::byte *to, Number number) {
  if (isFloat(dtype))
    storeDouble(dtype, to, number.f);
  else
    std::memcpy(to, &number.i, dtypeBytes(dtype));
}

bool isSigned(DType dtype) { return isSignedInt(dtype); }
int64_t bits(DType dtype) { return 8 * dtypeBytes(dtype); }
// As a signed or unsigned number of its type, again in 64 bits.
int64_t wrap(DType dtype, int64_t value) {
  int64_t unused = 64 - bits(dtype);
  uint64_t shifted = static_cast<uint64_t>(value) << unused;
  return isSigned(dtype) ? static_cast<int64_t>(shifted) >> unused
                         : static_cast<int64_t>(shifted >> unused);
}
int64_t least(DType dtype) {
  return isSigned(dtype) ? static_cast<int64_t>(~uint64_t{0} << (bits(dtype) - 1)) : 0;
}

using U = uint64_t;
using Integer = int64_t (*)(DType, int64_t, int64_t);
const std::map<std::string, Integer> kIntegerOps = {
    {"add", [](DType, int64_t a, int64_t b) { return int64_t(U(a) + U(b)); }},
    {"sub", [](DType, int64_t a, int64_t b) { return int64_t(U(a) - U(b)); }},
    {"mul", [](DType, int64_t a, int64_t b) { return int64_t(U(a) * U(b)); }},
    {"div",
     [](DType d, int64_t a, int64_t b) {
       if (b == 0 || (isSigned(d) && b == -1))
         return b == 0 ? 0 : int64_t(-U(a));
       return isSigned(d) ? a / b : int64_t(U(a) / U(b));
     }},
    {"rem",
     [](DType d, int64_t a, int64_t b) {
       if (b == 0 || (isSigned(d) && b == -1))
         return int64_t{0};
       return isSigned(d) ? a % b : int64_t(U(a) % U(b));
     }},
    {"min",
     [](DType d, int64_t a, int64_t b) { return (isSigned(d) ? a < b : U(a) < U(b)) ? a : b; }},
    {"max",
     [](DType d, int64_t a, int64_t b) { return (isSigned(d) ? a > b : U(a) > U(b)) ? a : b; }},
    {"and", [](DType, int64_t a, int64_t b) { return a & b; }},
    {"or", [](DType, int64_t a, int64_t b) { return a | b; }},
    {"xor", [](DType, int64_t a, int64_t b) { return a ^ b; }},
    {"shl",
     [](DType d, int64_t a, int64_t b) { return b < 0 || b >= bits(d) ? 0 : int64_t(U(a) << b); }},
    {"shr",
     [](DType d, int64_t a, int64_t b) {
       bool all = U(b) >= U(bits(d));
       if (isSigned(d))
         return a >> (all ? 63 : b);
       return all ? 0 : int64_t(U(a) >> b);
     }},
    {"neg", [](DType, int64_t a, int64_t) { return int64_t(-U(a)); }},
    {"abs", [](DType d, int64_t a, int64_t) { return isSigned(d) && a < 0 ? int64_t(-U(a)) : a; }},
    {"not", [](DType, int64_t a, int64_t) { return ~a; }},
};

using Real = double (*)(double, double);
const std::map<std::string, Real> kRealOps = {
    {"add", [](double a, double b) { return a + b; }},
    {"sub", [](double a, double b) { return a - b; }},
    {"mul", [](double a, double b) { return a * b; }},
    {"div", [](double a, double b) { return a / b; }},
    {"rem", [](double a, double b) { return std::fmod(a, b); }},
    {"min", [](double a, double b) { return std::isnan(a) || a < b ? a : b; }},
    {"max", [](double a, double b) { return std::isnan(a) || a > b ? a : b; }},
    {"neg", [](double a, double) { return -a; }},
    {"abs", [](double a, double) { return std::fabs(a); }},
    {"floor", [](double a, double) { return std::floor(a); }},
    {"ceil", [](double a, double) { return std::ceil(a); }},
    {"round", [](double a, double) { return std::nearbyint(a); }},
    {"trunc", [](double a, double) { return std::trunc(a); }},
    {"sqrt", [](double a, double) { return std::sqrt(a); }},
};
const char *const kUnary = " neg abs not floor ceil round trunc sqrt ";

bool isUnary(const std::string &name) {
  return std::string(kUnary).find(" " + name + " ") != std::string::npos;
}

const std::vector<std::string> kPredicates = {"eq", "ne", "lt", "le", "gt", "ge"};

bool compare(const std::string &predicate, double order, bool unordered) {
  if (unordered)
    return predicate == "ne";
  return (predicate == "eq" && order == 0) || (predicate == "ne" && order != 0) ||
         (predicate == "lt" && order < 0) || (predicate == "le" && order <= 0) ||
         (predicate == "gt" && order > 0) || (predicate == "ge" && order >= 0);
}

std::vector<Number> interesting(DType dtype) {
  std::vector<Number> numbers;
  if (isFloat(dtype)) {
    for (double f :
         {0.0,     -0.0,    1.0,       -1.0,      0.5,         -0.5,    1.5,      2.5,
          -2.5,    3.49,    1e-8,      -6e-8,     3e-6,        1000.25, 65504.0,  65519.0,
          65520.0, -7e4,    8388607.5, 8388609.0, 1e30,        -3e38,   1.17e-38, 1e-40,
          1e308,   -1e-310, HUGE_VAL,  -HUGE_VAL, std::nan("")})
      numbers.push_back({0, f});
    return numbers;
  }
  int64_t low = least(dtype);
  // Past the least of 64 bits they wrap.
  auto below = [&](uint64_t by) { return static_cast<int64_t>(static_cast<uint64_t>(low) - by); };
  for (int64_t i : {int64_t{0}, int64_t{1}, int64_t{2}, int64_t{-1}, int64_t{-3}, int64_t{7},
                    int64_t{100}, low, low + 1, below(1), below(2), bits(dtype), bits(dtype) - 1,
                    int64_t{0x123456789abcdef}, int64_t{-98765}})
    numbers.push_back({i, 0});
  return numbers;
}

// All pairs, padded to whole vectors.
struct Pairs {
  std::vector<std::byte> a, b;
  int64_t count = 0;
};
Pairs allPairs(DType dtype) {
  std::vector<Number> numbers = interesting(dtype);
  Pairs pairs;
  int64_t size = numbers.size(), bytes = dtypeBytes(dtype);
  pairs.count = (size * size + 15) / 16 * 16;
  pairs.a.resize(pairs.count * bytes);
  pairs.b.resize(pairs.count * bytes);
  for (int64_t i = 0; i < pairs.count; i++) {
    store(dtype, &pairs.a[i * bytes], numbers[i / size % size]);
    store(dtype, &pairs.b[i * bytes], numbers[i % size]);
  }
  return pairs;
}

bool same(DType dtype, const std::byte *got, const std::byte *expected, bool anyZero) {
  if (std::memcmp(got, expected, dtypeBytes(dtype)) == 0)
    return true;
  if (!isFloat(dtype))
    return false;
  double a = loadDouble(dtype, got), b = loadDouble(dtype, expected);
  return (std::isnan(a) && std::isnan(b)) || (anyZero && a == 0 && b == 0);
}

// Whether a value is a denormal that the target takes for zero: of f32, and on x86 of f64.
bool isFlushed(const Target &target, DType dtype, const std::byte *value) {
  if (!target.flushesDenormals || !isFloat(dtype))
    return false;
  double number = loadDouble(dtype, value), least = 0x1p-126;
  if (dtype == DType::F64)
    least = target.arch == Arch::X86_64 ? 0x1p-1022 : 0;
  return number != 0 && std::fabs(number) < least;
}

std::vector<std::string> opsOf(DType dtype) {
  std::vector<std::string> names;
  if (isFloat(dtype))
    for (const auto &[name, reference] : kRealOps)
      names.push_back(name);
  else
    for (const auto &[name, reference] : kIntegerOps)
      names.push_back(name);
  return names;
}

void expected(DType dtype, const std::string &name, const std::byte *a, const std::byte *b,
              std::byte *to) {
  Number x = load(dtype, a), y = load(dtype, b), result;
  if (isFloat(dtype)) {
    result.f =
        kRealOps.at(name)(x.f, y.f); // rounded to narrower types without harm (Figueroa 1995)
  } else {
    result.i = kIntegerOps.at(name)(dtype, wrap(dtype, x.i), wrap(dtype, y.i));
  }
  store(dtype, to, result);
}

void checkArithmetic(DType dtype, int64_t lanes, const std::string &cpu) {
  std::string type = typeText(dtype, lanes), mask = typeText(DType::Bool, lanes);
  std::string ops = "%a = load(%x0, %i) : " + type + "\n%b = load(%x1, %i) : " + type + "\n";
  std::vector<DType> outputs;
  std::vector<std::string> names = opsOf(dtype);
  for (const std::string &name : names) {
    std::string n = std::to_string(outputs.size());
    ops += "%r" + n + " = " + name + (isUnary(name) ? "(%a) : " : "(%a, %b) : ") + type + "\n" +
           "store(%r" + n + ", %y" + n + ", %i)\n";
    outputs.push_back(dtype);
  }
  for (const std::string &predicate : kPredicates) {
    std::string n = std::to_string(outputs.size());
    ops += "%r" + n + " = cmp(%a, %b) {pred = \"" + predicate + "\"} : " + mask + "\nstore(%r" + n +
           ", %y" + n + ", %i)\n";
    outputs.push_back(DType::Bool);
  }
  Pairs pairs = allPairs(dtype);
  Program program = textProgram({dtype, dtype}, outputs, lanes, ops);
  Target target = targetOf(cpu);
  auto results = runRows(program, target, {pairs.a, pairs.b}, pairs.count);
  int64_t bytes = dtypeBytes(dtype);
  std::string where = cpu + " " + type + " ";
  for (int64_t i = 0; i < pairs.count; i++) {
    const std::byte *a = &pairs.a[i * bytes], *b = &pairs.b[i * bytes];
    auto operands = [&] {
      Number x = load(dtype, a), y = load(dtype, b);
      return isFloat(dtype) ? std::to_string(x.f) + ", " + std::to_string(y.f)
                            : std::to_string(x.i) + ", " + std::to_string(y.i);
    };
    for (size_t n = 0; n < names.size(); n++) {
      std::byte want[8];
      expected(dtype, names[n], a, b, want);
      if (isFlushed(target, dtype, a) || isFlushed(target, dtype, b) ||
          isFlushed(target, dtype, want))
        continue;
      bool anyZero = names[n] == "min" || names[n] == "max";
      ASSERT_TRUE(same(dtype, &results[n][i * bytes], want, anyZero))
          << where << names[n] << "(" << operands() << ")";
    }
    Number x = load(dtype, a), y = load(dtype, b);
    int64_t p = wrap(dtype, x.i), q = wrap(dtype, y.i);
    bool less = isSigned(dtype) ? p < q : U(p) < U(q);
    double order = isFloat(dtype) ? (x.f < y.f ? -1 : x.f > y.f) : (less ? -1 : p != q);
    bool unordered = isFloat(dtype) && (std::isnan(x.f) || std::isnan(y.f));
    if (isFlushed(target, dtype, a) || isFlushed(target, dtype, b))
      continue;
    for (size_t n = 0; n < kPredicates.size(); n++)
      ASSERT_EQ(results[names.size() + n][i], std::byte{compare(kPredicates[n], order, unordered)})
          << where << kPredicates[n] << "(" << operands() << ")";
  }
}

const std::vector<DType> kNumbers = {DType::F32, DType::F64, DType::F16, DType::BF16,
                                     DType::U8,  DType::I8,  DType::U16, DType::I16,
                                     DType::I32, DType::U32, DType::I64, DType::U64};

struct Shape {
  int64_t lanes;
  const char *cpu;
};
void PrintTo(const Shape &shape, std::ostream *out) { *out << shape.cpu << "x" << shape.lanes; }

class CoreOps : public ::testing::TestWithParam<Shape> {
  void SetUp() override {
    if (!canRun(targetOf(GetParam().cpu)))
      GTEST_SKIP() << "no way to run " << GetParam().cpu << " here";
  }
};
// Not rv64gcv: QEMU 7 crashes on vector conversions with a rounding mode of their own.
INSTANTIATE_TEST_SUITE_P(Shapes, CoreOps,
                         ::testing::Values(Shape{1, "x86-64-v1"}, Shape{4, "x86-64-v1"},
                                           Shape{8, "x86-64-v3"}, Shape{16, "native"},
                                           Shape{4, "armv8-a"}, Shape{4, "armv7-a"},
                                           Shape{4, "rv64gc"}, Shape{4, "wasm32+simd128"}));

TEST_P(CoreOps, Arithmetic) {
  for (DType dtype : kNumbers)
    checkArithmetic(dtype, GetParam().lanes, GetParam().cpu);
}

int64_t saturate(DType to, double x) {
  double t = std::trunc(x), end = std::ldexp(1.0, static_cast<int>(bits(to) - isSigned(to)));
  if (std::isnan(t))
    return 0;
  if (t >= end)
    return isSigned(to) ? ~least(to) : -1;
  if (t <= (isSigned(to) ? -end : 0))
    return least(to);
  return isSigned(to) ? static_cast<int64_t>(t) : static_cast<int64_t>(static_cast<U>(t));
}

// As ir/ops/Scalar.def says for `cast`; integers go to half types through f32.
void expectedCast(DType from, DType to, const std::byte *value, std::byte *result) {
  Number x = load(from, value), y;
  int64_t whole = wrap(from, x.i);
  if (to == DType::Bool)
    y.i = isFloat(from) ? x.f != 0 : whole != 0;
  else if (!isFloat(to))
    y.i = isFloat(from) ? saturate(to, x.f) : whole;
  else if (isFloat(from))
    y.f = x.f;
  else if (to == DType::F64)
    y.f = isSigned(from) ? static_cast<double>(whole) : static_cast<double>(U(whole));
  else
    y.f = isSigned(from) ? static_cast<float>(whole) : static_cast<float>(U(whole));
  store(to, result, y);
}

void checkCasts(DType from, int64_t lanes, const std::string &cpu) {
  std::string ops = "%a = load(%x0, %i) : " + typeText(from, lanes) + "\n";
  std::vector<DType> outputs = kNumbers;
  outputs.push_back(DType::Bool);
  for (size_t n = 0; n < outputs.size(); n++)
    ops += "%r" + std::to_string(n) + " = cast(%a) : " + typeText(outputs[n], lanes) +
           "\nstore(%r" + std::to_string(n) + ", %y" + std::to_string(n) + ", %i)\n";
  Pairs pairs = allPairs(from);
  Program program = textProgram({from}, outputs, lanes, ops);
  Target target = targetOf(cpu);
  auto results = runRows(program, target, {pairs.b}, pairs.count);
  for (int64_t i = 0; i < pairs.count; i++)
    for (size_t n = 0; n < outputs.size(); n++) {
      const std::byte *value = &pairs.b[i * dtypeBytes(from)];
      std::byte want[8];
      expectedCast(from, outputs[n], value, want);
      if (isFlushed(target, from, value) || isFlushed(target, outputs[n], want))
        continue;
      ASSERT_TRUE(same(outputs[n], &results[n][i * dtypeBytes(outputs[n])], want, false))
          << cpu << " " << typeText(from, lanes) << " to " << dtypeName(outputs[n]) << " of "
          << load(from, value).f << " or " << load(from, value).i;
    }
}

TEST_P(CoreOps, Casts) {
  for (DType from : kNumbers)
    checkCasts(from, GetParam().lanes, GetParam().cpu);
}

// f64 to f16 and bf16 rounds once, where rounding by way of f32 would err.
TEST_P(CoreOps, NarrowingRoundsOnce) {
  std::string type = typeText(DType::F64, GetParam().lanes);
  std::string ops = "%a = load(%x0, %i) : " + type + "\n";
  for (const char *n : {"0", "1"})
    ops += std::string("%r") + n +
           " = cast(%a) : " + typeText(*n == '0' ? DType::F16 : DType::BF16, GetParam().lanes) +
           "\nstore(%r" + n + ", %y" + n + ", %i)\n";
  std::vector<double> x = {1 + 0x1p-11 + 0x1p-40,
                           1 + 0x1p-11 - 0x1p-40,
                           -1 - 0x1p-8 - 0x1p-50,
                           1 + 0x1p-8 - 0x1p-50,
                           0x1p-25 + 0x1p-60,
                           65519.999999,
                           65520,
                           1e300};
  x.resize(16, 3);
  auto results =
      runRows(textProgram({DType::F64}, {DType::F16, DType::BF16}, GetParam().lanes, ops),
              targetOf(GetParam().cpu), {bytesOf(x)}, x.size());
  for (size_t i = 0; i < x.size(); i++) {
    EXPECT_EQ(valuesOf<uint16_t>(results[0])[i], doubleToHalf(x[i])) << x[i];
    EXPECT_EQ(valuesOf<uint16_t>(results[1])[i], doubleToBfloat(x[i])) << x[i];
  }
}

} // namespace
} // namespace cameo::test
