// Accuracy of the f32 functions against the C library's long double ones, over floats of all
// exponents. CAMEO_MATH_STRIDE sets how many bit patterns are skipped: 97 takes a few minutes.
#include "tests/codegen/Harness.h"

#include <bit>
#include <cmath>
#include <cstdlib>
#include <limits>

namespace cameo::test {
namespace {

struct Function {
  const char *name;
  long double (*reference)(long double);
  double limit; // units in the last place
};
const Function kFunctions[] = {
    {"exp", expl, 1.5},   {"log", logl, 1.5},
    {"sin", sinl, 1},     {"cos", cosl, 1},
    {"tan", tanl, 1},     {"asin", asinl, 2.5},
    {"acos", acosl, 2.5}, {"atan", atanl, 2.5},
    {"sinh", sinhl, 1},   {"cosh", coshl, 1},
    {"tanh", tanhl, 3},   {"asinh", asinhl, 1},
    {"acosh", acoshl, 1}, {"atanh", atanhl, 1},
    {"erf", erfl, 6},     {"sigmoid", [](long double x) { return 1 / (1 + expl(-x)); }, 3},
};

// In units of the last place of the f32 nearest to the expected value.
double errorInUlps(float got, long double expected) {
  float nearest = static_cast<float>(expected);
  if (std::isnan(expected) || std::isinf(nearest) || nearest == 0)
    return std::bit_cast<uint32_t>(got) == std::bit_cast<uint32_t>(nearest) ||
                   (std::isnan(got) && std::isnan(expected))
               ? 0
               : std::abs(static_cast<double>(got) - nearest) / 0x1p-149;
  int exponent = std::max(std::ilogb(nearest), -126);
  return static_cast<double>(std::abs(got - expected) / std::ldexp(1.0L, exponent - 23));
}

std::vector<float> allKinds(uint32_t stride) {
  std::vector<float> values = {0.0f,    -0.0f, INFINITY, -INFINITY, NAN,       1.0f,
                               -1.0f,   0.5f,  -0.5f,    88.72283f, 88.72284f, -103.97f,
                               -104.1f, 4.0f,  10.0f,    0x1p20f};
  for (uint64_t bits = 0; bits < uint64_t{1} << 32; bits += stride)
    values.push_back(std::bit_cast<float>(static_cast<uint32_t>(bits)));
  values.resize(values.size() / 16 * 16);
  return values;
}

// Whether a value is a denormal of f32.
bool isDenormal(long double value) { return value != 0 && fabsl(value) < 0x1p-126; }

void check(const Function &function, const std::vector<float> &x, const std::vector<float> &y,
           const std::string &where, bool flushesDenormals) {
  double worst = 0;
  float at = 0;
  for (size_t i = 0; i < x.size(); i++) {
    long double want = function.reference(x[i]);
    if (flushesDenormals && (isDenormal(x[i]) || isDenormal(want)))
      continue;
    double error = errorInUlps(y[i], want);
    if (!(error <= worst))
      worst = error, at = x[i];
  }
  EXPECT_LE(worst, function.limit) << where << " " << function.name << "(" << at << ")";
  ::testing::Test::RecordProperty(where + "." + function.name, std::to_string(worst));
  if (std::getenv("CAMEO_MATH_STRIDE"))
    std::printf("%s %s: %.3f at %.9g\n", where.c_str(), function.name, worst, at);
}

void checkAll(const std::string &cpu, int64_t lanes, uint32_t stride) {
  std::string type = typeText(DType::F32, lanes);
  std::string ops = "%v = load(%x0, %i) : " + type + "\n";
  std::vector<DType> outputs;
  for (const Function &function : kFunctions) {
    std::string n = std::to_string(outputs.size());
    ops += "%r" + n + " = " + function.name + "(%v) : " + type + "\n";
    ops += "store(%r" + n + ", %y" + n + ", %i)\n";
    outputs.push_back(DType::F32);
  }
  std::vector<float> x = allKinds(stride);
  Program program = textProgram({DType::F32}, outputs, lanes, ops);
  Target target = targetOf(cpu);
  auto results = runRows(program, target, {bytesOf(x)}, x.size());
  for (size_t f = 0; f < outputs.size(); f++)
    check(kFunctions[f], x, valuesOf<float>(results[f]), cpu + "x" + std::to_string(lanes),
          target.flushesDenormals);
}

uint32_t strideOf(uint32_t otherwise) {
  const char *text = std::getenv("CAMEO_MATH_STRIDE");
  return text ? std::strtoul(text, nullptr, 10) : otherwise;
}

TEST(VectorMath, NativeVectors) { checkAll("native", 16, strideOf(49999)); }
TEST(VectorMath, BaselineVectors) { checkAll("x86-64-v1", 4, strideOf(99991)); }
TEST(VectorMath, Avx2Vectors) { checkAll("x86-64-v3", 8, strideOf(99991)); }
TEST(VectorMath, Scalars) { checkAll("x86-64-v3", 1, strideOf(199999)); }

TEST(VectorMath, OtherArchitectures) {
  for (const char *cpu : {"armv8-a", "armv7-a", "armv7-a+vfp4", "rv64gc", "wasm32+simd128"})
    if (canRun(targetOf(cpu)))
      checkAll(cpu, 4, strideOf(999983));
}

TEST(VectorMath, Pow) {
  std::vector<float> x, y;
  std::vector<float> values = {0.0f,  -0.0f,      1,  -1,        2,     -2,       0.5f,
                               -0.5f, 3,          -3, 0x1p-140f, 1e30f, INFINITY, -INFINITY,
                               NAN,   1.0000001f, -7, 100.5f,    2.5f,  16777215};
  for (float a : allKinds(39999937))
    values.push_back(a);
  for (float a : values)
    for (float b : values)
      x.push_back(a), y.push_back(b);
  x.resize(x.size() / 16 * 16);
  y.resize(x.size());
  for (int64_t lanes : {16, 1}) {
    std::string type = typeText(DType::F32, lanes);
    std::string ops = "%a = load(%x0, %i) : " + type + "\n%b = load(%x1, %i) : " + type +
                      "\n%r = pow(%a, %b) : " + type + "\nstore(%r, %y0, %i)\n";
    Program program = textProgram({DType::F32, DType::F32}, {DType::F32}, lanes, ops);
    Target target = targetOf("native");
    auto results = runRows(program, target, {bytesOf(x), bytesOf(y)}, x.size());
    std::vector<float> got = valuesOf<float>(results[0]);
    for (size_t i = 0; i < x.size(); i++) {
      long double want = powl(x[i], y[i]);
      if (target.flushesDenormals && (isDenormal(x[i]) || isDenormal(y[i]) || isDenormal(want)))
        continue;
      ASSERT_LE(errorInUlps(got[i], want), 1) << x[i] << " ^ " << y[i] << " " << got[i];
    }
  }
}

} // namespace
} // namespace cameo::test
