// Every row of the table with random operands and attributes, hostile ones included: inference
// gives types or an error, never a crash, and whatever it accepts, it accepts again with the same
// types.
#include "ir/Builder.h"
#include "ir/infer/Infer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>

using namespace cameo;

namespace {

constexpr int kTriesPerOp = 400;

class Generator {
public:
  explicit Generator(uint32_t seed) : random_(seed) {}

  int64_t below(int64_t limit) { return static_cast<int64_t>(random_() % limit); }

  int64_t integer() {
    static const int64_t kEdges[] = {0,         -1,        1,         2,          3,
                                     4,         -2,        5,         INT64_MAX,  INT64_MIN,
                                     INT32_MAX, INT32_MIN, 1LL << 62, -1LL << 62, 1LL << 32};
    return below(3) ? below(6) - 1 : kEdges[below(std::size(kEdges))];
  }

  double real() {
    static const double kEdges[] = {0,
                                    1,
                                    -1,
                                    0.5,
                                    2,
                                    1e30,
                                    -1e30,
                                    std::numeric_limits<double>::infinity(),
                                    std::numeric_limits<double>::quiet_NaN()};
    return kEdges[below(std::size(kEdges))];
  }

  Dim dim() {
    static const int64_t kHuge[] = {1LL << 62, 1LL << 31, INT64_MAX};
    switch (below(12)) {
    case 0:
      return Dim::symbol("N");
    case 1:
      return Dim::symbol("M") * Dim(2) + Dim(1);
    case 2:
      return Dim(kHuge[below(std::size(kHuge))]);
    default:
      return Dim(below(5));
    }
  }

  Type tensor(DType dtype) {
    if (below(30) == 0)
      return Type::unranked(dtype);
    Dims shape;
    for (int64_t rank = below(6); rank > 0; rank--)
      shape.push_back(dim());
    return Type::tensor(dtype, std::move(shape));
  }

  std::vector<int64_t> integers() {
    std::vector<int64_t> values(below(6));
    for (int64_t &value : values)
      value = integer();
    return values;
  }

  Attr attribute(const OpSpec &row, const AttrSpec &spec) {
    static const std::vector<std::string> kWords = {
        "",        "constant", "SAME_UPPER", "linear", "nearest", "ij,jk->ik", "...i->i",
        "reflect", "VALID",    "DCR",        "LEFT",   "add",     "bij,bjk"};
    if (spec.kind == "i" || spec.kind == "d")
      return integer();
    if (spec.kind == "f")
      return real();
    if (spec.kind == "is")
      return integers();
    if (spec.kind == "fs")
      return std::vector<double>(below(5), real());
    if (spec.kind == "ss")
      return std::vector<std::string>(below(5), kWords[below(kWords.size())]);
    if (spec.kind == "dims")
      return Dims{dim(), dim(), Dim(-1)};
    if (spec.kind == "t")
      return makeConst(integers());
    bool keep = spec.otherwise && below(2);
    return keep ? *row.attribute(spec.name)->otherwise : Attr(kWords[below(kWords.size())]);
  }

  /// An operand: an argument, or a small constant of integers or floats.
  Value *operand(Builder &build, const OpSpec &row, const FormalSpec &formal,
                 std::map<std::string, DType> &bound) {
    if (formal.optional && below(2))
      return nullptr;
    auto [entry, isNew] = bound.try_emplace(formal.type, DType::F32);
    if (isNew) {
      const ConstraintSpec *constraint = row.constraint(formal.type);
      if (constraint && !constraint->dtypes.empty())
        entry->second = constraint->dtypes[below(constraint->dtypes.size())];
      else
        entry->second = dtypeFromName(formal.type).value_or(DType::I64);
    }
    DType dtype = entry->second;
    if (dtype == DType::I64 && below(4))
      return build.constant(makeConst(integers()));
    if (dtype == DType::F32 && below(6) == 0)
      return build.constant(makeSplat(dtype, {below(5)}, real()));
    return build.block()->addArg(tensor(dtype));
  }

private:
  std::mt19937 random_;
};

void tryOnce(const OpSpec &row, Generator &random) {
  Module module;
  Builder build(module, module.addFunc("main")->body);
  std::vector<Value *> operands;
  std::map<std::string, DType> bound;
  for (const FormalSpec &formal : row.inputs)
    for (int64_t count = formal.variadic ? random.below(4) : 1; count > 0; count--)
      operands.push_back(random.operand(build, row, formal, bound));
  AttrDict attrs;
  for (const AttrSpec &attribute : row.attributes)
    if (attribute.required || random.below(3) == 0)
      attrs.set(attribute.name, random.attribute(row, attribute));
  int64_t results = static_cast<int64_t>(row.outputs.size());
  if (row.outputs.back().variadic)
    results = random.below(4);
  Result<Op *> op = build.graph(row.kind, operands, attrs, results);
  if (!op)
    return;
  std::vector<Type> types;
  for (int64_t i = 0; i < results; i++)
    types.push_back((*op)->result(i)->type);
  ASSERT_TRUE(inferOp(module, **op)) << row.name;
  for (int64_t i = 0; i < results; i++)
    EXPECT_EQ((*op)->result(i)->type.str(), types[i].str()) << row.name;
}

bool hasRegions(const OpSpec &row) {
  return std::any_of(row.attributes.begin(), row.attributes.end(),
                     [](const AttrSpec &attribute) { return attribute.kind == "g"; });
}

TEST(Hostile, EveryRow) {
  Generator random(1);
  for (const OpSpec &row : allSpecs())
    if (row.level == Level::Graph && !hasRegions(row))
      for (int i = 0; i < kTriesPerOp && !testing::Test::HasFailure(); i++)
        tryOnce(row, random);
}

} // namespace
