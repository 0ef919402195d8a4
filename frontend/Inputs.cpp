// See Inputs.h.
#include "frontend/Inputs.h"

#include "frontend/Tensors.h"
#include "support/Text.h"

namespace cameo {
namespace {

/// Each may stand in every expression of sizes: beyond this, compiling takes hours.
constexpr size_t kMaxOpenSizes = 10'000;

using Dimension = onnx::TensorShapeProto::Dimension;

/// The size that the model fixes. Exporters write -1 for a size that they leave open; 0 is a size
/// (docs/decisions/012-zero-is-a-size.md).
std::optional<int64_t> fixedSize(const Dimension &dim) {
  return dim.has_dim_value() && dim.dim_value() >= 0 ? std::optional(dim.dim_value())
                                                     : std::nullopt;
}

/// The user's name of a size: the model's, or `x_0` for an unnamed one of input x.
std::string userName(const Dimension &dim, const std::string &input, size_t axis) {
  if (dim.has_dim_param() && !dim.dim_param().empty())
    return dim.dim_param();
  return input + "_" + std::to_string(axis);
}

std::string join(const std::set<std::string> &names) {
  std::string text;
  for (const std::string &name : names)
    text += (text.empty() ? "" : ", ") + quote(name);
  return text;
}

} // namespace

Result<void> InputTypes::bindShapes(const std::vector<const onnx::ValueInfoProto *> &inputs) {
  for (const auto &[name, size] : options_.dims) {
    if (size < 0)
      return badInput("size " + quote(name) + " is given as " + std::to_string(size));
    sizes_[name] = Dim(size);
  }
  for (const onnx::ValueInfoProto *input : inputs) {
    inputs_.insert(input->name());
    auto given = options_.shapes.find(input->name());
    if (given == options_.shapes.end())
      continue;
    std::string what = "the shape given for input " + quote(input->name());
    const std::vector<int64_t> &shape = given->second;
    TRY(countElements(shape, what));
    if (!input->type().tensor_type().has_shape())
      continue;
    const onnx::TensorShapeProto &declared = input->type().tensor_type().shape();
    if (static_cast<size_t>(declared.dim_size()) != shape.size())
      return badInput(what + " is " + shapeText(shape) + ", the model says rank " +
                      std::to_string(declared.dim_size()));
    for (size_t i = 0; i < shape.size(); i++) {
      const Dimension &dim = declared.dim(static_cast<int>(i));
      if (std::optional<int64_t> fixed = fixedSize(dim)) {
        if (*fixed != shape[i])
          return badInput(what + " is " + shapeText(shape) + ", the model fixes dimension " +
                          std::to_string(i) + " to " + std::to_string(*fixed));
        continue;
      }
      std::string name = userName(dim, input->name(), i);
      auto [known, isNew] = sizes_.try_emplace(name, Dim(shape[i]));
      if (!isNew && !(known->second == Dim(shape[i])))
        return badInput(what + " makes size " + quote(name) + " " + std::to_string(shape[i]) +
                        ", elsewhere it is " + known->second.str());
    }
  }
  return {};
}

Result<Type> InputTypes::declared(const onnx::ValueInfoProto &input) {
  return read(input.type(), input.name(), 0);
}

Result<void> InputTypes::checkOptionsUsed() const {
  for (const auto &[name, shape] : options_.shapes)
    if (!inputs_.contains(name))
      return badInput("a shape is given for " + quote(name) +
                      ", which is not an input of the model: " + join(inputs_));
  for (const auto &[name, size] : options_.dims)
    if (!symbols_.contains(name))
      return badInput("a size is given for " + quote(name) +
                      (symbols_.empty() ? ", but all sizes of the model are fixed"
                                        : ", which is not a size of the model: " + join(symbols_)));
  return {};
}

Result<Type> InputTypes::read(const onnx::TypeProto &type, const std::string &input, int depth) {
  std::string what = "input " + quote(input);
  if (depth > 4)
    return badInput(what + ": its type nests too deep");
  switch (type.value_case()) {
  case onnx::TypeProto::kTensorType:
    return readTensor(type.tensor_type(), input);
  case onnx::TypeProto::kSequenceType: {
    Type element = TRY(read(type.sequence_type().elem_type(), input, depth + 1));
    // Elements may differ in size: a name there is not the size it is elsewhere.
    Dims dims = element.isRanked() ? element.shape() : Dims{};
    for (Dim &dim : dims)
      dim = dim.isConst() ? dim : Dim::symbol(module_.freshSymbol());
    return Type::sequence(element.isRanked() ? element.withShape(std::move(dims)) : element);
  }
  case onnx::TypeProto::kOptionalType:
    return Type::optional(TRY(read(type.optional_type().elem_type(), input, depth + 1)));
  case onnx::TypeProto::kMapType:
    return unsupported(what + ": maps are not supported");
  case onnx::TypeProto::kSparseTensorType:
    return unsupported(what + ": sparse tensors are not supported as inputs");
  case onnx::TypeProto::kOpaqueType:
    return unsupported(what + ": opaque types are not supported");
  case onnx::TypeProto::VALUE_NOT_SET:
    break;
  }
  return badInput(what + ": has no type");
}

Result<Type> InputTypes::readTensor(const onnx::TypeProto::Tensor &type, const std::string &input) {
  std::string what = "input " + quote(input);
  DType dtype = TRY(readDType(type.elem_type(), what));
  auto given = options_.shapes.find(input);
  if (given != options_.shapes.end())
    return Type::tensor(dtype, Dims(given->second.begin(), given->second.end()));
  if (!type.has_shape())
    return Type::unranked(dtype);
  Dims dims;
  std::vector<int64_t> constants;
  for (const Dimension &dim : type.shape().dim()) {
    dims.push_back(TRY(readDim(dim, input, dims.size())));
    constants.push_back(dims.back().isConst() ? dims.back().value() : 1);
  }
  TRY(countElements(constants, what));
  if (symbols_.size() > kMaxOpenSizes)
    return badInput(what + ": the model leaves more than " + std::to_string(kMaxOpenSizes) +
                    " sizes open");
  return Type::tensor(dtype, std::move(dims));
}

Result<Dim> InputTypes::readDim(const Dimension &dim, const std::string &input, size_t axis) {
  if (std::optional<int64_t> fixed = fixedSize(dim))
    return Dim(*fixed);
  if (dim.dim_value() < -1)
    return badInput("input " + quote(input) + ": dimension " + std::to_string(axis) + " is " +
                    std::to_string(dim.dim_value()));
  std::string name = userName(dim, input, axis);
  if (dim.has_dim_value() && options_.notes)
    options_.notes->push_back("input " + quote(input) + ": dimension " + std::to_string(axis) +
                              " is written as " + std::to_string(dim.dim_value()) +
                              ": taken for a size left open, " + quote(name));
  return symbolFor(name);
}

Dim InputTypes::symbolFor(const std::string &userName) {
  symbols_.insert(userName);
  auto [size, isNew] = sizes_.try_emplace(userName);
  if (isNew)
    size->second = Dim::symbol(uniqueSymbol(userName));
  return size->second;
}

std::string InputTypes::uniqueSymbol(const std::string &userName) {
  std::string base = identifier(userName), symbol = base;
  // Names of sizes share the text form of expressions with functions.
  static const std::set<std::string> kReserved = {"floordiv", "ceildiv", "mod", "min", "max"};
  auto taken = [&](const std::string &name) {
    return kReserved.contains(name) || module_.metadata.contains("dim." + name);
  };
  for (int i = 1; taken(symbol); i++)
    symbol = base + "_" + std::to_string(i);
  module_.metadata["dim." + symbol] = validUtf8(userName);
  return symbol;
}

std::optional<Type> elementOf(const onnx::TypeProto &type) {
  if (type.has_tensor_type()) {
    std::optional<DType> dtype = dtypeFromOnnx(type.tensor_type().elem_type());
    return dtype ? std::optional<Type>(Type::unranked(*dtype)) : std::nullopt;
  }
  if (!type.has_sequence_type() && !type.has_optional_type())
    return std::nullopt;
  bool sequence = type.has_sequence_type();
  std::optional<Type> element =
      elementOf(sequence ? type.sequence_type().elem_type() : type.optional_type().elem_type());
  if (!element)
    return std::nullopt;
  return sequence ? Type::sequence(*element) : Type::optional(*element);
}

} // namespace cameo
