// Construction, equality and text of types; see Type.h.
#include "ir/Type.h"

namespace cameo {

Type Type::tensor(DType dtype, Dims shape) {
  Type type;
  type.kind_ = Kind::Tensor;
  type.dtype_ = dtype;
  type.ranked_ = true;
  type.shape_ = std::move(shape);
  return type;
}

Type Type::unranked(DType dtype) {
  Type type;
  type.kind_ = Kind::Tensor;
  type.dtype_ = dtype;
  return type;
}

Type Type::scalar(DType dtype) {
  Type type;
  type.kind_ = Kind::Scalar;
  type.dtype_ = dtype;
  return type;
}

Type Type::vector(DType dtype, int64_t lanes) {
  Type type;
  type.kind_ = Kind::Vector;
  type.dtype_ = dtype;
  type.lanes_ = lanes;
  return type;
}

Type Type::index() {
  Type type;
  type.kind_ = Kind::Index;
  type.dtype_ = DType::I64;
  return type;
}

Type Type::pointer(DType dtype) {
  Type type;
  type.kind_ = Kind::Pointer;
  type.dtype_ = dtype;
  return type;
}

Type Type::sequence(Type element) {
  Type type;
  type.kind_ = Kind::Sequence;
  type.element_ = std::make_shared<const Type>(std::move(element));
  return type;
}

Type Type::optional(Type element) {
  Type type;
  type.kind_ = Kind::Optional;
  type.element_ = std::make_shared<const Type>(std::move(element));
  return type;
}

Type Type::withDType(DType dtype) const {
  Type type = *this;
  type.dtype_ = dtype;
  return type;
}

Type Type::withShape(Dims shape) const {
  Type type = *this;
  type.ranked_ = true;
  type.shape_ = std::move(shape);
  return type;
}

bool operator==(const Type &a, const Type &b) {
  if (a.kind_ != b.kind_)
    return false;
  switch (a.kind_) {
  case Type::Kind::None:
  case Type::Kind::Index:
    return true;
  case Type::Kind::Tensor:
    return a.dtype_ == b.dtype_ && a.ranked_ == b.ranked_ && a.shape_ == b.shape_;
  case Type::Kind::Scalar:
  case Type::Kind::Pointer:
    return a.dtype_ == b.dtype_;
  case Type::Kind::Vector:
    return a.dtype_ == b.dtype_ && a.lanes_ == b.lanes_;
  case Type::Kind::Sequence:
  case Type::Kind::Optional:
    return *a.element_ == *b.element_;
  }
  return false;
}

std::string Type::str() const {
  std::string name(dtypeName(dtype_));
  switch (kind_) {
  case Kind::None:
    return "none";
  case Kind::Scalar:
    return name;
  case Kind::Index:
    return "index";
  case Kind::Pointer:
    return "ptr<" + name + ">";
  case Kind::Vector:
    return "vec<" + std::to_string(lanes_) + "x" + name + ">";
  case Kind::Sequence:
    return "seq<" + element_->str() + ">";
  case Kind::Optional:
    return "opt<" + element_->str() + ">";
  case Kind::Tensor:
    break;
  }
  if (!ranked_)
    return name + "[*]";
  std::string text;
  for (const Dim &dim : shape_)
    text += (text.empty() ? "" : ",") + dim.str();
  return name + "[" + text + "]";
}

} // namespace cameo
