// Attributes of nodes as attributes of ops.
#include "frontend/GraphImporter.h"
#include "frontend/Inputs.h"
#include "support/Text.h"

namespace cameo {
namespace {

// AttributeProto.AttributeType.
enum Kind : int {
  Undefined = 0,
  Float = 1,
  Int = 2,
  String = 3,
  Tensor = 4,
  Graph = 5,
  Floats = 6,
  Ints = 7,
  Strings = 8,
  SparseTensor = 11,
  TypeProto = 13,
};

/// The kind, guessed from the fields for files older than the field that says it.
int kindOf(const onnx::AttributeProto &attribute) {
  if (attribute.type() != Undefined)
    return attribute.type();
  if (attribute.has_f())
    return Float;
  if (attribute.has_i())
    return Int;
  if (attribute.has_s())
    return String;
  if (attribute.has_t())
    return Tensor;
  if (attribute.has_g())
    return Graph;
  if (attribute.floats_size() > 0)
    return Floats;
  if (attribute.strings_size() > 0)
    return Strings;
  return Ints;
}

ConstRef constantOfFloats(std::vector<int64_t> dims, const std::vector<double> &values) {
  std::vector<float> floats(values.begin(), values.end());
  std::span<const std::byte> bytes = std::as_bytes(std::span(floats));
  return makeConst(DType::F32, std::move(dims), {bytes.begin(), bytes.end()});
}

ConstRef constantOfStrings(std::vector<int64_t> dims, std::vector<std::string> values) {
  auto data = std::make_shared<ConstData>();
  data->dtype = DType::String;
  data->dims = std::move(dims);
  data->strings = std::move(values);
  return data;
}

template <class T> const T *valueIf(bool condition, const Attr &attribute) {
  return condition ? std::get_if<T>(&attribute) : nullptr;
}

} // namespace

ConstRef constantValue(const std::string &form, const Attr &attribute) {
  auto size = [](const auto &values) { return static_cast<int64_t>(values.size()); };
  if (auto *tensor = valueIf<ConstRef>(form == "value" || form == "sparse_value", attribute))
    return *tensor;
  if (auto *number = valueIf<double>(form == "value_float", attribute))
    return constantOfFloats({}, {*number});
  if (auto *numbers = valueIf<std::vector<double>>(form == "value_floats", attribute))
    return constantOfFloats({size(*numbers)}, *numbers);
  if (auto *integer = valueIf<int64_t>(form == "value_int", attribute)) {
    std::span<const std::byte> bytes = std::as_bytes(std::span(integer, 1));
    return makeConst(DType::I64, {}, {bytes.begin(), bytes.end()});
  }
  if (auto *integers = valueIf<std::vector<int64_t>>(form == "value_ints", attribute))
    return makeConst(*integers);
  if (auto *text = valueIf<std::string>(form == "value_string", attribute))
    return constantOfStrings({}, {*text});
  if (auto *texts = valueIf<std::vector<std::string>>(form == "value_strings", attribute))
    return constantOfStrings({size(*texts)}, *texts);
  return nullptr;
}

Result<Attr> readAttribute(const onnx::AttributeProto &attribute, TensorReader &tensors,
                           const std::string &what) {
  switch (kindOf(attribute)) {
  case Float:
    return Attr(static_cast<double>(attribute.f()));
  case Int:
    return Attr(attribute.i());
  case String:
    return Attr(attribute.s());
  case Tensor:
    return Attr(TRY(tensors.read(attribute.t(), attribute.name())));
  case SparseTensor:
    return Attr(TRY(tensors.readSparse(attribute.sparse_tensor(), attribute.name())));
  case Floats:
    return Attr(std::vector<double>(attribute.floats().begin(), attribute.floats().end()));
  case Ints:
    return Attr(std::vector<int64_t>(attribute.ints().begin(), attribute.ints().end()));
  case Strings:
    return Attr(std::vector<std::string>(attribute.strings().begin(), attribute.strings().end()));
  case TypeProto:
    // In the IR's words. Sizes are not kept: they would be the only ones that nothing checks.
    if (std::optional<Type> type = elementOf(attribute.tp()))
      return Attr(type->str());
    return unsupported(what + ": a type that is not supported");
  default:
    return badInput(what + ": unexpected kind " + std::to_string(attribute.type()));
  }
}

} // namespace cameo
