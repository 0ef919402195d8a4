// Types of values at all three levels. Tensors (graph and kernel level) carry a logical shape in
// ONNX axis order and never a layout; scalars, vectors, indices and pointers belong to scalar
// regions and to the loop level.
#pragma once

#include "ir/DType.h"
#include "ir/Dim.h"

#include <memory>
#include <string>

namespace cameo {

class Type {
public:
  enum class Kind {
    None,     // absent (an optional result nobody asked for)
    Tensor,   // f32[2,N,3], or f32[*] when the rank is unknown
    Scalar,   // f32
    Vector,   // vec<16xf32>; a mask is vec<16xbool>
    Index,    // the target's pointer-width signed integer
    Pointer,  // ptr<f32>: typed memory, element strides are in the accesses
    Sequence, // seq<f32[*]>
    Optional, // opt<f32[*]>
  };

  Type() = default;
  static Type none() { return {}; }
  static Type tensor(DType dtype, Dims shape);
  static Type unranked(DType dtype);
  static Type scalar(DType dtype);
  static Type vector(DType dtype, int64_t lanes);
  static Type index();
  static Type pointer(DType dtype);
  static Type sequence(Type element);
  static Type optional(Type element);

  Kind kind() const { return kind_; }
  bool isNone() const { return kind_ == Kind::None; }
  bool isTensor() const { return kind_ == Kind::Tensor; }
  bool isRanked() const { return kind_ == Kind::Tensor && ranked_; }
  bool isVector() const { return kind_ == Kind::Vector; }
  bool isIndex() const { return kind_ == Kind::Index; }
  bool isPointer() const { return kind_ == Kind::Pointer; }
  /// Element type of tensors, scalars, vectors and pointers.
  DType dtype() const { return dtype_; }
  /// Shape of a ranked tensor.
  const Dims &shape() const { return shape_; }
  int64_t rank() const { return static_cast<int64_t>(shape_.size()); }
  const Dim &dim(int64_t axis) const { return shape_[axis]; }
  /// Lanes of a vector; 1 for a scalar.
  int64_t lanes() const { return lanes_; }
  /// Element of a sequence or optional.
  const Type &element() const { return *element_; }

  /// The tensor type with another element type or shape.
  Type withDType(DType dtype) const;
  Type withShape(Dims shape) const;

  friend bool operator==(const Type &a, const Type &b);
  std::string str() const;

private:
  Kind kind_ = Kind::None;
  DType dtype_ = DType::F32;
  bool ranked_ = false;
  int64_t lanes_ = 1;
  Dims shape_;
  std::shared_ptr<const Type> element_;
};

} // namespace cameo
