// Grows a module op by op: each step picks a kind of op and operands at random and tries; what
// inference refuses is dropped. See RandomModule.h.
#include "tests/fuzz/RandomModule.h"

#include "ir/Builder.h"

#include <cstring>
#include <random>

namespace cameo {
namespace {

constexpr int64_t kMaxElements = 1 << 13;
constexpr int64_t kTypicalSize = 3; // of the symbol, to bound sizes with

class Grower {
public:
  explicit Grower(uint32_t seed) : random_(seed) {}
  std::unique_ptr<Module> grow();

private:
  using Step = Value *(Grower::*)();

  int64_t below(int64_t limit) { return static_cast<int64_t>(random_() % limit); }
  Value *pick() { return pool_[below(static_cast<int64_t>(pool_.size()))]; }
  /// A value of at least this rank, or nullptr.
  Value *pickOfRank(int64_t least);
  /// The first result of a new op, or nullptr if it is not valid or too large.
  Value *add(OpKind kind, std::vector<Value *> operands, AttrDict attrs = {}, int64_t results = 1);
  Value *ints(const std::vector<int64_t> &values) { return builder_.constant(makeConst(values)); }
  Value *floats(std::vector<int64_t> dims);

  Value *unary();
  Value *binary();
  Value *withConstant();
  Value *where();
  Value *clip();
  Value *nothing();
  Value *transpose();
  Value *flatten();
  Value *reshapeByShape();
  Value *unsqueeze();
  Value *slice();
  Value *concat();
  Value *split();
  Value *expand();
  Value *repeated();
  Value *reduce();
  Value *softmax();
  Value *exponentials();
  Value *scores(Value *x);
  Value *attention();
  Value *layerNorm();
  Value *layer();
  Value *conv();
  Value *pool();
  Value *matmul();

  std::mt19937 random_;
  std::unique_ptr<Module> module_ = std::make_unique<Module>();
  Builder builder_{*module_};
  std::vector<Value *> pool_;
  Value *condition_ = nullptr;
};

AttrDict attr(const char *name, Attr value) {
  AttrDict attrs;
  attrs.set(name, std::move(value));
  return attrs;
}

bool isSmall(const Type &type) {
  if (!type.isRanked())
    return false;
  std::optional<int64_t> count =
      product(type.shape()).evaluate([](const std::string &) { return kTypicalSize; });
  return count && *count > 0 && *count <= kMaxElements;
}

Value *Grower::pickOfRank(int64_t least) {
  Value *value = pick();
  return value->type.rank() >= least ? value : nullptr;
}

Value *Grower::add(OpKind kind, std::vector<Value *> operands, AttrDict attrs, int64_t results) {
  for (Value *operand : operands)
    if (!operand)
      return nullptr;
  builder_.loc = Loc{{"n" + std::to_string(builder_.block()->ops().size())}};
  Result<Op *> op = builder_.graph(kind, std::move(operands), std::move(attrs), results);
  return op && isSmall((*op)->result()->type) ? (*op)->result() : nullptr;
}

Value *Grower::floats(std::vector<int64_t> dims) {
  int64_t count = checkedNumElements(dims).value();
  std::vector<std::byte> bytes(count * sizeof(float));
  for (int64_t i = 0; i < count; i++) {
    float value = static_cast<float>(below(2001) - 1000) / 1000.0f;
    std::memcpy(bytes.data() + i * sizeof value, &value, sizeof value);
  }
  return builder_.constant(makeConst(DType::F32, std::move(dims), std::move(bytes),
                                     "w" + std::to_string(builder_.block()->ops().size())));
}

Value *Grower::unary() {
  static constexpr OpKind kKinds[] = {OpKind::Relu,     OpKind::Neg,       OpKind::Abs,
                                      OpKind::Sigmoid,  OpKind::Tanh,      OpKind::LeakyRelu,
                                      OpKind::Elu,      OpKind::HardSwish, OpKind::HardSigmoid,
                                      OpKind::Softplus, OpKind::Gelu,      OpKind::Erf};
  return add(kKinds[below(std::size(kKinds))], {pick()});
}

Value *Grower::binary() {
  static constexpr OpKind kKinds[] = {OpKind::Add, OpKind::Sub, OpKind::Mul, OpKind::Min,
                                      OpKind::Max};
  return add(kKinds[below(std::size(kKinds))], {pick(), pick()});
}

Value *Grower::withConstant() {
  Value *value = pick();
  std::vector<int64_t> dims;
  if (below(2))
    dims.push_back(1);
  const Type &type = value->type;
  if (below(2) && type.rank() && type.dim(type.rank() - 1).isConst())
    dims = {type.dim(type.rank() - 1).value()};
  Value *constant = floats(dims);
  if (below(4) == 0)
    constant = add(OpKind::Neg, {constant});
  bool swap = below(2);
  return add(below(2) ? OpKind::Add : OpKind::Mul,
             swap ? std::vector{constant, value} : std::vector{value, constant});
}

Value *Grower::where() { return add(OpKind::Where, {condition_, pick(), pick()}); }

Value *Grower::clip() {
  Value *low = builder_.constant(makeSplat(DType::F32, {}, -0.5));
  Value *high = builder_.constant(makeSplat(DType::F32, {}, 0.75));
  return add(OpKind::Clip, {pick(), low, high});
}

/// Ops that change nothing.
Value *Grower::nothing() {
  Value *value = pick();
  std::vector<int64_t> perm, zeros(value->type.rank(), 0);
  for (int64_t i = 0; i < value->type.rank(); i++)
    perm.push_back(i);
  switch (below(7)) {
  case 0:
    return add(OpKind::Identity, {value});
  case 1:
    return add(OpKind::Dropout, {value});
  case 2:
    return add(OpKind::Transpose, {value}, attr("perm", perm));
  case 3:
    return add(OpKind::Reshape, {value, ints(zeros)});
  case 4:
    return add(OpKind::Mul, {value, builder_.constant(makeSplat(DType::F32, {}, 1))});
  case 5:
    return add(OpKind::Cast, {value}, attr("to", DType::F32));
  default:
    return add(OpKind::Concat, {value}, attr("axis", int64_t{0}));
  }
}

Value *Grower::transpose() {
  Value *value = pick();
  std::vector<int64_t> perm;
  for (int64_t i = 0; i < value->type.rank(); i++)
    perm.insert(perm.begin() + below(i + 1), i);
  return add(OpKind::Transpose, {value}, attr("perm", perm));
}

Value *Grower::flatten() {
  Value *value = pick();
  return add(OpKind::Flatten, {value}, attr("axis", below(value->type.rank() + 1)));
}

/// [Shape(x)[0], -1], computed as exporters do.
Value *Grower::reshapeByShape() {
  Value *value = pickOfRank(2);
  if (!value)
    return nullptr;
  Value *shape = builder_.graphValue(OpKind::Shape, {value});
  Value *zero = builder_.constant(makeSplat(DType::I64, {}, 0));
  Value *first = builder_.graphValue(OpKind::Gather, {shape, zero});
  Value *head = builder_.graphValue(OpKind::Unsqueeze, {first, ints({0})});
  Value *target = builder_.graphValue(OpKind::Concat, {head, ints({-1})}, attr("axis", int64_t{0}));
  return add(OpKind::Reshape, {value, target});
}

Value *Grower::unsqueeze() {
  Value *value = pick();
  if (value->type.rank() > 4)
    return nullptr;
  Value *wide = add(OpKind::Unsqueeze, {value, ints({below(value->type.rank() + 1)})});
  return below(2) ? wide : add(OpKind::Squeeze, {wide});
}

Value *Grower::slice() {
  Value *value = pickOfRank(1);
  if (!value)
    return nullptr;
  int64_t axis = below(value->type.rank()), step = 1 + below(2);
  bool backwards = below(4) == 0;
  std::vector<int64_t> start = {backwards ? -1 : below(2)}, end = {backwards ? INT64_MIN : 100};
  return add(OpKind::Slice,
             {value, ints(start), ints(end), ints({axis}), ints({backwards ? -step : step})});
}

Value *Grower::concat() {
  Value *value = pickOfRank(1);
  if (!value)
    return nullptr;
  Value *other = add(OpKind::Tanh, {value});
  return add(OpKind::Concat, {value, other, value}, attr("axis", below(value->type.rank())));
}

Value *Grower::split() {
  Value *value = pickOfRank(1);
  if (!value)
    return nullptr;
  AttrDict attrs = attr("axis", below(value->type.rank()));
  attrs.set("num_outputs", int64_t{2});
  return add(OpKind::Split, {value, nullptr}, attrs, 2);
}

Value *Grower::expand() {
  Value *value = pick();
  std::vector<int64_t> shape(value->type.rank() + 1, 1);
  shape[0] = 1 + below(2);
  return value->type.rank() < 5 ? add(OpKind::Expand, {value, ints(shape)}) : nullptr;
}

/// The mean of a value and, if an element is not a number, of as much again: of a size that only
/// the run knows.
Value *Grower::repeated() {
  Value *flat = add(OpKind::Reshape, {pick(), ints({-1})});
  Value *odd = add(OpKind::Cast, {add(OpKind::IsNaN, {flat})}, attr("to", DType::I64));
  Value *times = add(OpKind::Add, {add(OpKind::ReduceMax, {odd, ints({0})}), ints({1})});
  return add(OpKind::ReduceMean, {add(OpKind::Tile, {flat, times}), ints({0})},
             attr("keepdims", int64_t{0}));
}

Value *Grower::reduce() {
  static constexpr OpKind kKinds[] = {OpKind::ReduceSum, OpKind::ReduceMean, OpKind::ReduceMax,
                                      OpKind::ReduceMin};
  Value *value = pickOfRank(1);
  if (!value)
    return nullptr;
  Value *axes = ints({below(value->type.rank())});
  return add(kKinds[below(std::size(kKinds))], {value, axes}, attr("keepdims", below(2)));
}

Value *Grower::softmax() {
  Value *value = pickOfRank(1);
  return add(OpKind::Softmax, {value},
             attr("axis", value ? below(value->type.rank()) : int64_t{0}));
}

/// A softmax or its logarithm, spelled out.
Value *Grower::exponentials() {
  Value *x = pickOfRank(1);
  if (!x)
    return nullptr;
  Value *axis = ints({below(x->type.rank())});
  if (below(2))
    x = add(OpKind::Sub, {x, add(OpKind::ReduceMax, {x, axis})});
  Value *e = add(OpKind::Exp, {x}), *sum = add(OpKind::ReduceSum, {e, axis});
  return below(2) ? add(OpKind::Div, {e, sum}) : add(OpKind::Sub, {x, add(OpKind::Log, {sum})});
}

/// What may be done to scores before a softmax.
Value *Grower::scores(Value *x) {
  if (!x || x->type.rank() < 2)
    return nullptr;
  if (below(2))
    x = add(OpKind::Mul, {x, builder_.constant(makeSplat(DType::F32, {}, 0.5))});
  Value *fill = builder_.constant(makeSplat(DType::F32, {}, below(2) ? -1e4 : -INFINITY));
  for (int64_t masks = below(3); x && masks > 0; masks--)
    switch (below(3)) {
    case 0:
      x = add(OpKind::Where, {condition_, x, fill});
      break;
    case 1:
      x = add(OpKind::Where, {condition_, fill, x});
      break;
    default:
      x = add(OpKind::Add, {x, pool_[1]});
    }
  return x;
}

/// Attention of a value to itself, or to six keys, spelled out: of any rank, some of it read twice.
Value *Grower::attention() {
  Value *q = pickOfRank(2);
  if (!q)
    return nullptr;
  Value *k = q->type.shape().back() == Dim(6) && below(2) ? floats({6, 6}) : q, *v = k;
  std::vector<int64_t> perm;
  for (int64_t i = 0; i < k->type.rank(); i++)
    perm.push_back(i);
  std::swap(perm[perm.size() - 2], perm.back());
  Value *product = add(OpKind::MatMul, {q, add(OpKind::Transpose, {k}, attr("perm", perm))});
  Value *p = add(OpKind::Softmax, {scores(product)});
  if (p && below(4) == 0)
    pool_.push_back(p);
  if (below(3) == 0)
    p = add(OpKind::Where,
            {add(OpKind::IsNaN, {p}), builder_.constant(makeSplat(DType::F32, {}, 0)), p});
  return add(OpKind::MatMul, {p, v});
}

Value *Grower::layerNorm() {
  Value *value = pickOfRank(1);
  if (!value || !value->type.shape().back().isConst())
    return nullptr;
  int64_t size = value->type.shape().back().value();
  return size > 1 ? add(OpKind::LayerNormalization, {value, floats({size}), floats({size})})
                  : nullptr;
}

Value *Grower::layer() {
  std::vector<Value *> made = randomLayer(builder_, pick(), random_);
  if (below(8) == 0)
    pool_.push_back(made.front());
  return made.back();
}

/// A convolution, often with a batch norm behind it.
Value *Grower::conv() {
  Value *value = pickOfRank(4);
  if (!value || value->type.rank() != 4 || !value->type.dim(1).isConst())
    return nullptr;
  int64_t channels = value->type.dim(1).value(), filters = 1 + below(6), kernel = 1 + 2 * below(2);
  AttrDict attrs = attr("pads", std::vector<int64_t>(4, kernel / 2));
  attrs.set("strides", std::vector<int64_t>(2, 1 + below(2)));
  Value *weights = floats({filters, channels, kernel, kernel});
  Value *result = below(2) ? add(OpKind::Conv, {value, weights, floats({filters})}, attrs)
                           : add(OpKind::Conv, {value, weights}, attrs);
  if (!result || below(2))
    return result;
  Value *variance = builder_.constant(makeSplat(DType::F32, {filters}, 0.5 + below(3)));
  return add(OpKind::BatchNormalization,
             {result, floats({filters}), floats({filters}), floats({filters}), variance});
}

Value *Grower::pool() {
  Value *value = pickOfRank(4);
  AttrDict attrs = attr("kernel_shape", std::vector<int64_t>{2, 2});
  attrs.set("strides", std::vector<int64_t>{2, 2});
  if (below(3) == 0)
    return add(OpKind::GlobalAveragePool, {value});
  return add(below(2) ? OpKind::MaxPool : OpKind::AveragePool, {value}, attrs);
}

Value *Grower::matmul() {
  Value *value = pickOfRank(2);
  if (!value || !value->type.shape().back().isConst())
    return nullptr;
  return add(OpKind::MatMul, {value, floats({value->type.shape().back().value(), 1 + below(6)})});
}

std::unique_ptr<Module> Grower::grow() {
  static constexpr Step kSteps[] = {
      &Grower::unary,     &Grower::unary,     &Grower::binary,         &Grower::withConstant,
      &Grower::where,     &Grower::clip,      &Grower::nothing,        &Grower::nothing,
      &Grower::transpose, &Grower::flatten,   &Grower::reshapeByShape, &Grower::unsqueeze,
      &Grower::slice,     &Grower::concat,    &Grower::split,          &Grower::expand,
      &Grower::reduce,    &Grower::softmax,   &Grower::exponentials,   &Grower::attention,
      &Grower::attention, &Grower::layerNorm, &Grower::conv,           &Grower::conv,
      &Grower::pool,      &Grower::matmul,    &Grower::layer,          &Grower::layer,
      &Grower::repeated};
  Func *func = module_->addFunc("main");
  Dim n = Dim::symbol("N");
  builder_.atEnd(func->body);
  pool_.push_back(func->body.addArg(Type::tensor(DType::F32, {n, 3, 6, 6}), "x"));
  pool_.push_back(func->body.addArg(Type::tensor(DType::F32, {6}), "v"));
  condition_ = func->body.addArg(Type::tensor(DType::Bool, {6}), "c");
  int64_t steps = 3 + below(15);
  for (int64_t i = 0; i < steps; i++)
    if (Value *value = (this->*kSteps[below(std::size(kSteps))])())
      pool_.push_back(value);
  std::vector<Value *> results;
  for (int64_t i = 0; i < 1 + below(3); i++) {
    results.push_back(i ? pick() : pool_.back());
    func->resultNames.push_back("y" + std::to_string(i));
  }
  builder_.create(OpKind::LoopReturn, results, {});
  return std::move(module_);
}

} // namespace

std::unique_ptr<Module> randomModule(uint32_t seed) {
  return seed % 3 == 0 ? randomQuantizedModule(seed) : Grower(seed).grow();
}

std::vector<RuntimeValue> randomInputs(Module &module, uint32_t seed, int64_t symbolValue) {
  std::mt19937 random(seed);
  std::vector<RuntimeValue> inputs;
  for (const std::unique_ptr<Value> &arg : module.main().body.args()) {
    std::vector<int64_t> dims;
    for (const Dim &dim : arg->type.shape())
      dims.push_back(*dim.evaluate([&](const std::string &) { return symbolValue; }));
    DType dtype = arg->type.dtype();
    int64_t count = checkedNumElements(dims).value();
    std::vector<std::byte> bytes(count * dtypeBytes(dtype));
    for (int64_t i = 0; i < count; i++) {
      if (dtype == DType::Bool) {
        bytes[i] = std::byte(random() % 2);
        continue;
      }
      float value = static_cast<float>(random() % 4001) / 1000.0f - 2.0f;
      std::memcpy(bytes.data() + i * sizeof value, &value, sizeof value);
    }
    inputs.emplace_back(*Tensor::view(makeConst(dtype, dims, std::move(bytes))));
  }
  return inputs;
}

} // namespace cameo
