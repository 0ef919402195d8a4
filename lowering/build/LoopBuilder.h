// Writes scalar and loop-level ops with the types worked out and trivial index arithmetic folded,
// so that kernel emitters read like the loops they mean. Used by everything that builds regions of
// kernel-level ops or loop functions.
#pragma once

#include "ir/Builder.h"
#include "ir/Program.h"

#include <functional>
#include <string>
#include <vector>

namespace cameo {

/// A vector of so many lanes; a scalar for one.
inline Type typeOfLanes(DType dtype, int64_t lanes) {
  return lanes > 1 ? Type::vector(dtype, lanes) : Type::scalar(dtype);
}

class LoopBuilder : public Builder {
public:
  using Builder::Builder;
  using Builder::constant;
  using Values = std::vector<Value *>;

  // Constants. `like` gives the type; vectors get the splat.
  Value *index(int64_t value);
  Value *constant(const Type &type, double value);
  Value *constantInt(const Type &type, int64_t value);

  // Scalar ops; operands have one type, which is the result's. Index arithmetic folds constants and
  // neutral elements.
  Value *unary(OpKind kind, Value *a);
  Value *binary(OpKind kind, Value *a, Value *b);
  Value *add(Value *a, Value *b) { return binary(OpKind::ScalarAdd, a, b); }
  Value *sub(Value *a, Value *b) { return binary(OpKind::ScalarSub, a, b); }
  Value *mul(Value *a, Value *b) { return binary(OpKind::ScalarMul, a, b); }
  Value *div(Value *a, Value *b) { return binary(OpKind::ScalarDiv, a, b); }
  Value *rem(Value *a, Value *b) { return binary(OpKind::ScalarRem, a, b); }
  Value *min(Value *a, Value *b) { return binary(OpKind::ScalarMin, a, b); }
  Value *max(Value *a, Value *b) { return binary(OpKind::ScalarMax, a, b); }
  Value *mad(Value *a, Value *b, Value *c);
  Value *cmp(const std::string &pred, Value *a, Value *b);
  Value *select(Value *condition, Value *a, Value *b);
  Value *cast(Value *a, DType dtype);
  /// f32 to bf16 for a dot product, whose instruction takes denormals for 0 anyway.
  Value *castForDot(Value *a);
  Value *toIndex(Value *a);
  Value *bitcast(Value *a, const Type &type);

  /// The number an index value is known to be.
  std::optional<int64_t> constantIndex(Value *value) const;

  // Vectors and memory.
  Value *splat(Value *scalar, int64_t lanes);
  Value *laneMask(Value *count, int64_t lanes);
  /// sum + two or four products of 8-bit integers a lane, or two of bf16.
  Value *dot(Value *sum, Value *a, Value *b);
  /// sum, a 2x2 matrix, + the products of two rows of 8 bytes with two columns.
  Value *matrixDot(Value *sum, Value *a, Value *b);
  /// Lane i is lane lanes[i] of a, whose lanes those of b follow.
  Value *shuffle(Value *a, Value *b, const std::vector<int64_t> &lanes);
  Value *reduceLanes(Value *vector, const std::string &op);
  Value *load(Value *pointer, Value *offset, int64_t lanes = 1, Value *mask = nullptr);
  /// `lanes` elements `stride` apart: a plain load where the stride is known to be 1, else a
  /// gather.
  Value *stridedLoad(Value *pointer, Value *offset, Value *stride, int64_t lanes, Value *mask);
  void store(Value *value, Value *pointer, Value *offset, Value *mask = nullptr);
  void prefetch(Value *pointer, Value *offset, int64_t level);
  // Tile registers, by number.
  void tileConfigure(const std::vector<int64_t> &rows, const std::vector<int64_t> &bytes);
  void tileZero(int64_t tile);
  void tileLoad(int64_t tile, Value *pointer, Value *offset, Value *stride);
  void tileStore(int64_t tile, Value *pointer, Value *offset, Value *stride);
  void tileDot(int64_t sum, int64_t a, DType aType, int64_t b, DType bType);
  void tileRelease();
  Value *offset(Value *pointer, Value *by);
  Value *retype(Value *pointer, DType dtype);
  Value *scratch(DType dtype, int64_t count);

  // Control. `body` is called with the builder inside the loop, gets the induction variable and the
  // carried values, and returns the next ones.
  Values forLoop(Value *lower, Value *upper, int64_t step, const Values &init,
                 const std::function<Values(Value *, const Values &)> &body);
  void forLoop(Value *lower, Value *upper, int64_t step, const std::function<void(Value *)> &body);
  /// `condition` gets the carried values and says whether `body` makes the next ones of them; the
  /// last ones.
  Values whileLoop(const Values &init, const std::function<Value *(const Values &)> &condition,
                   const std::function<Values(const Values &)> &body);
  Values ifElse(Value *condition, const std::vector<Type> &types,
                const std::function<Values()> &then, const std::function<Values()> &otherwise);
  /// Without results.
  void ifElse(Value *condition, const std::function<void()> &then,
              const std::function<void()> &otherwise);
  void ifThen(Value *condition, const std::function<void()> &then);
  /// A `parallel` over units; body gets this thread's range.
  void parallel(Value *units, const std::function<void(Value *, Value *)> &body);
  void call(const std::string &callee, const Values &args);
  void ret(const Values &values = {});

private:
  Value *foldIndex(OpKind kind, Value *a, Value *b);
};

/// The number of a node's name for `fail`'s attribute, added to `names` when it is new; -1 for
/// none.
int64_t internNode(TextTable &names, const Loc &loc);

/// `type` with another element type, lanes kept.
Type sameLanes(const Type &type, DType dtype);

} // namespace cameo
