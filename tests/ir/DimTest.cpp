// Arithmetic on sizes: canonical forms mean the same as what they came from, equal ways of
// computing a size compare equal, and text reads back.
#include "ir/Dim.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

using namespace cameo;

namespace {

Dim operator""_d(const char *text, size_t length) {
  std::optional<Dim> dim = Dim::parse(std::string_view(text, length));
  EXPECT_TRUE(dim) << text;
  return dim.value_or(Dim::overflow());
}

/// A random expression and what it is worth for given symbols; nothing where it divides by zero or
/// overflows.
struct Sample {
  Dim dim;
  std::optional<int64_t> value;
};

class Generator {
public:
  explicit Generator(unsigned seed) : random_(seed) {
    for (const char *name : {"N", "M", "s.0"})
      symbols[name] = static_cast<int64_t>(random_() % 9);
  }
  Sample make(int depth);
  std::map<std::string, int64_t> symbols;

private:
  std::mt19937 random_;
};

std::optional<int64_t> floorDivide(int64_t a, int64_t b) {
  if (b == 0)
    return std::nullopt;
  int64_t quotient = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

Sample Generator::make(int depth) {
  if (depth == 0 || random_() % 5 == 0) {
    if (random_() % 2) {
      int64_t value = static_cast<int64_t>(random_() % 9) - 2;
      return {Dim(value), value};
    }
    auto symbol = std::next(symbols.begin(), random_() % symbols.size());
    return {Dim::symbol(symbol->first), symbol->second};
  }
  Sample a = make(depth - 1), b = make(depth - 1);
  bool known = a.value && b.value;
  int64_t x = a.value.value_or(0), y = b.value.value_or(0), r = 0;
  auto checked = [&](bool overflows) {
    return known && !overflows ? std::optional(r) : std::nullopt;
  };
  switch (random_() % 9) {
  case 0:
  case 1:
    return {a.dim + b.dim, checked(__builtin_add_overflow(x, y, &r))};
  case 2:
    return {a.dim - b.dim, checked(__builtin_sub_overflow(x, y, &r))};
  case 3:
    return {a.dim * b.dim, checked(__builtin_mul_overflow(x, y, &r))};
  case 4:
    return {Dim::floorDiv(a.dim, b.dim), known ? floorDivide(x, y) : std::nullopt};
  case 5: {
    std::optional<int64_t> quotient = known ? floorDivide(x, y) : std::nullopt;
    return {Dim::mod(a.dim, b.dim), quotient ? std::optional(x - *quotient * y) : std::nullopt};
  }
  case 6:
    return {Dim::min(a.dim, b.dim), known ? std::optional(std::min(x, y)) : std::nullopt};
  case 7:
    return {Dim::max(a.dim, b.dim), known ? std::optional(std::max(x, y)) : std::nullopt};
  default:
    known = known && (x == y || x == 1 || y == 1);
    return {Dim::broadcast(a.dim, b.dim), known ? std::optional(x == 1 ? y : x) : std::nullopt};
  }
}

TEST(Dim, RandomExpressionsKeepTheirValue) {
  int compared = 0;
  for (unsigned seed = 0; seed < 20000; seed++) {
    Generator generator(seed);
    Sample sample = generator.make(4);
    if (!sample.value || sample.dim.isOverflow())
      continue;
    compared++;
    auto lookup = [&](const std::string &name) -> std::optional<int64_t> {
      return generator.symbols.at(name);
    };
    EXPECT_EQ(sample.dim.evaluate(lookup), sample.value) << sample.dim.str();
    std::optional<Dim> parsed = Dim::parse(sample.dim.str());
    ASSERT_TRUE(parsed) << sample.dim.str();
    EXPECT_EQ(*parsed, sample.dim);
    EXPECT_EQ(parsed->str(), sample.dim.str());
  }
  EXPECT_GT(compared, 10000);
}

TEST(Dim, EqualHoweverComputed) {
  Dim n = Dim::symbol("N"), h = Dim::symbol("H");
  EXPECT_EQ(n * h - h * n, Dim(0));
  EXPECT_EQ((n + Dim(1)) * (n - Dim(1)), n * n - Dim(1));
  EXPECT_EQ(Dim::floorDiv(Dim(64) * n * h, Dim(8) * h), Dim(8) * n);
  EXPECT_EQ(Dim::mod(Dim(64) * n, Dim(8)), Dim(0));
  EXPECT_EQ(Dim::max(n, h), Dim::max(h, n));
  EXPECT_EQ(Dim::floorDiv(n + Dim(1), Dim(2)), Dim::floorDiv(Dim(1) + n, Dim(2)));
  EXPECT_NE(n, h);
  EXPECT_NE(n, Dim(1));
  EXPECT_EQ(Dim::exactDiv(n * Dim(6), Dim(4)), std::nullopt);
}

TEST(Dim, Broadcast) {
  Dim n = Dim::symbol("N"), h = Dim::symbol("H"), w = Dim::symbol("W");
  EXPECT_EQ(Dim::broadcast(n, h), Dim::broadcast(h, n));
  EXPECT_EQ(Dim::broadcast(Dim::broadcast(w, n), h), Dim::broadcast(w, Dim::broadcast(h, n)));
  EXPECT_EQ(Dim::broadcast(n, Dim::broadcast(h, n)), Dim::broadcast(n, h));
  EXPECT_EQ(Dim::broadcast(n, Dim(1)), n);
  EXPECT_EQ(Dim::broadcast(Dim::broadcast(n, h), Dim(3)), Dim(3));
  EXPECT_TRUE(Dim::broadcast(Dim(2), Dim(3)).isOverflow());
  EXPECT_EQ(Dim::broadcast(Dim::min(n, Dim(32)), n), n);
  EXPECT_EQ(Dim::broadcast(Dim::broadcast(n, h), Dim::min(Dim(1), h)), Dim::broadcast(n, h));
  EXPECT_NE(Dim::broadcast(Dim::min(n, Dim(0)), n), n);
  EXPECT_NE(Dim::broadcast(Dim::min(n, h), n), n);
  // A size of 0 is kept against 1, which max(N, H) would not do.
  auto value = [](int64_t n, int64_t h) {
    return Dim::broadcast(Dim::symbol("N"), Dim::symbol("H"))
        .evaluate([&](const std::string &name) { return std::optional(name == "N" ? n : h); });
  };
  EXPECT_EQ(value(0, 1), 0);
  EXPECT_EQ(value(1, 0), 0);
  EXPECT_EQ(value(5, 1), 5);
  EXPECT_EQ(value(7, 7), 7);
}

TEST(Dim, OverflowIsEqualToNothing) {
  Dim large(INT64_MAX);
  EXPECT_TRUE((large + Dim(1)).isOverflow());
  EXPECT_TRUE((large * Dim(2)).isOverflow());
  EXPECT_TRUE(Dim::floorDiv(Dim::symbol("N"), Dim(0)).isOverflow());
  EXPECT_TRUE(Dim::floorDiv(Dim(INT64_MIN), Dim(-1)).isOverflow());
  EXPECT_NE(Dim::overflow(), Dim::overflow());
  EXPECT_TRUE("overflow"_d.isOverflow());
}

TEST(Dim, GrowthIsBounded) {
  Dim dim = Dim::symbol("N");
  for (int i = 0; i < 200; i++)
    dim = Dim::floorDiv(dim + Dim(1), dim * Dim(2) + Dim(3));
  EXPECT_TRUE(dim.isOverflow());
  dim = Dim::symbol("N");
  for (int i = 0; i < 64; i++)
    dim = dim * dim;
  EXPECT_TRUE(dim.isOverflow());
}

TEST(Dim, Text) {
  EXPECT_EQ("2*N + 1"_d.str(), "1+2*N");
  EXPECT_EQ("-N"_d.str(), "-N");
  EXPECT_EQ("floordiv( N - 1 , 2)"_d.str(), "floordiv(-1+N, 2)");
  EXPECT_EQ("-9223372036854775808"_d.value(), INT64_MIN);
  EXPECT_EQ("min(2, 3)"_d, Dim(2));
  for (const char *text : {"", "+", "2*", "N N", "f(N, 1)", "min(N)", "min(N, 1",
                           "9223372036854775808", "2**N", "N+", "--N", "(N)"})
    EXPECT_FALSE(Dim::parse(text)) << text;
  std::string deep;
  for (int i = 0; i < 100000; i++)
    deep += "min(N,";
  EXPECT_FALSE(Dim::parse(deep));
  std::string wide = "N";
  for (int i = 0; i < 100000; i++)
    wide += "*N";
  EXPECT_FALSE(Dim::parse(wide));
}

TEST(Dim, NumberOfElements) {
  EXPECT_EQ(checkedNumElements({}), 1);
  EXPECT_EQ(checkedNumElements({2, 0, 3}), 0);
  EXPECT_EQ(checkedNumElements({2, -1}), std::nullopt);
  EXPECT_EQ(checkedNumElements({INT64_MAX, 2}), std::nullopt);
  EXPECT_EQ(product({}), Dim(1));
  EXPECT_EQ(product({Dim(2), Dim::symbol("N")}), "2*N"_d);
}

} // namespace
