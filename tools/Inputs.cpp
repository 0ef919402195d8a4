// See Inputs.h.
#include "tools/Inputs.h"

#include "support/Nearest.h"
#include "support/Text.h"

#include "bench/Npy.h"
#include "bench/Random.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace cameo {

namespace {

/// Past this, a run would only fail later and less clearly.
constexpr int64_t maxRandomBytes = int64_t{16} << 30;

std::string portList(const std::vector<EnginePort> &ports) {
  std::string text;
  for (const EnginePort &port : ports)
    text += (text.empty() ? "" : ", ") + port.str();
  return text.empty() ? "none" : text;
}

/// Values by name, filled from the arguments.
class InputFiles {
public:
  explicit InputFiles(const std::vector<EnginePort> &ports)
      : ports_(ports), values_(ports.size()) {}

  Result<void> add(const std::string &argument) {
    // A name may contain `=` and so may a path: the longest prefix that names an input decides.
    for (size_t at = argument.rfind('='); at != std::string::npos && at > 0;
         at = argument.rfind('=', at - 1)) {
      const EnginePort *port = find(argument.substr(0, at));
      if (port && at + 1 == argument.size())
        return badInput(fmt::format("--input: expected a file behind '{}'", argument));
      if (port)
        return addFile(*port, argument.substr(at + 1));
    }
    if (argument.ends_with(".npz"))
      return addArchive(argument);
    if (ports_.size() == 1 && argument.find('=') == std::string::npos)
      return addFile(ports_.front(), argument);
    Error error = badInput(fmt::format(
        "--input: expected NAME=FILE.npy with the name of an input, got '{}'", argument));
    std::vector<std::string> names;
    for (const EnginePort &port : ports_)
      names.push_back(port.name);
    if (std::string near = nearest(argument.substr(0, argument.find('=')), names); !near.empty())
      error.notes.push_back(fmt::format("did you mean {}?", quote(near)));
    error.notes.push_back("the model's inputs are " + portList(ports_));
    return error;
  }

  Result<std::vector<RuntimeValue>> take() {
    for (size_t i = 0; i < ports_.size(); ++i)
      if (!values_[i] && ports_[i].type.kind() != Type::Kind::Optional)
        return badInput(fmt::format("input {} is not given", ports_[i].str()));
    std::vector<RuntimeValue> values;
    for (std::optional<RuntimeValue> &value : values_)
      values.push_back(value.value_or(RuntimeValue()));
    return values;
  }

private:
  const EnginePort *find(const std::string &name) const {
    auto found = std::find_if(ports_.begin(), ports_.end(),
                              [&](const EnginePort &port) { return port.name == name; });
    return found == ports_.end() ? nullptr : &*found;
  }

  Result<void> set(const EnginePort &port, RuntimeValue value) {
    std::optional<RuntimeValue> &slot = values_[static_cast<size_t>(&port - ports_.data())];
    if (slot)
      return badInput(fmt::format("input {} is given twice", port.str()));
    slot = std::move(value);
    return {};
  }

  Result<void> addFile(const EnginePort &port, const std::string &path) {
    // Types that NumPy does not have need telling.
    std::optional<DType> as;
    if (port.type.isTensor() && numpyType(port.type.dtype()) != port.type.dtype())
      as = port.type.dtype();
    return set(port, TRY(readNpy(path, as)));
  }

  Result<void> addArchive(const std::string &path) {
    for (auto &[name, array] : TRY(readNpz(path))) {
      const EnginePort *port = find(name);
      if (!port) {
        Error error = badInput(fmt::format("{}: the model has no input '{}'", path, name));
        error.notes.push_back("the model's inputs are " + portList(ports_));
        return error;
      }
      if (port->type.isTensor() && array.dtype == numpyType(port->type.dtype()))
        array.dtype = port->type.dtype();
      TRY(set(*port, std::move(array)));
    }
    return {};
  }

  const std::vector<EnginePort> &ports_;
  std::vector<std::optional<RuntimeValue>> values_;
};

/// The operand that indexes and the axis it indexes, for ops that fail on indices out of range.
std::optional<Dim> indexedExtent(const Op &op, const Value *index) {
  bool gathers = op.kind() == OpKind::Gather || op.kind() == OpKind::GatherElements ||
                 op.kind() == OpKind::ScatterElements;
  if (!gathers || op.operand(1) != index || !op.operand(0)->type.isRanked())
    return std::nullopt;
  const Type &data = op.operand(0)->type;
  int64_t axis = op.attrs.getInt("axis");
  axis += axis < 0 ? data.rank() : 0;
  if (axis < 0 || axis >= data.rank())
    return std::nullopt;
  return data.dim(axis);
}

bool keepsValues(OpKind kind) {
  return kind == OpKind::Cast || kind == OpKind::Reshape || kind == OpKind::Unsqueeze ||
         kind == OpKind::Squeeze || kind == OpKind::Identity || kind == OpKind::Transpose ||
         kind == OpKind::Flatten || kind == OpKind::Expand || kind == OpKind::Slice;
}

/// A bound below which integers are valid wherever `input` is used as an index, also after ops that
/// only move or convert it.
int64_t integerBound(const Value &input) {
  // Small, so that unknown uses (counts, classes) stay harmless.
  int64_t bound = 10;
  bool indexes = false;
  std::vector<const Value *> work = {&input};
  std::set<const Value *> seen = {&input};
  while (!work.empty()) {
    const Value *value = work.back();
    work.pop_back();
    for (const Op *user : value->users()) {
      if (std::optional<Dim> extent = indexedExtent(*user, value)) {
        int64_t size = extent->isConst() ? std::max<int64_t>(extent->value(), 1) : 1;
        bound = indexes ? std::min(bound, size) : size;
        indexes = true;
      }
      if (keepsValues(user->kind()) && user->operand(0) == value &&
          seen.insert(user->result()).second)
        work.push_back(user->result());
    }
  }
  return bound;
}

Result<RuntimeValue> randomInput(const Value &input, const std::map<std::string, int64_t> &dims,
                                 uint64_t seed, uint64_t stream) {
  if (!input.type.isRanked())
    return unsupported(fmt::format("no random input can be made for '{}' of type {}: expected "
                                   "--data, or --shape where only that is missing",
                                   input.name, input.type.str()));
  std::vector<int64_t> shape;
  for (const Dim &dim : input.type.shape()) {
    std::optional<int64_t> size = dim.evaluate([&](const std::string &name) {
      auto found = dims.find(name);
      return std::optional<int64_t>(found == dims.end() ? 1 : found->second);
    });
    shape.push_back(size.value_or(-1));
  }
  std::optional<int64_t> count = checkedNumElements(shape);
  if (!count || *count > maxRandomBytes / std::max<int64_t>(dtypeBytes(input.type.dtype()), 1))
    return badInput(fmt::format("input '{}' would have the shape {}", input.name, dimsText(shape)));
  return RuntimeValue(randomTensor(input.type.dtype(), shape, seed, stream, integerBound(input)));
}

} // namespace

std::vector<DataKind> dataKinds(const std::vector<EnginePort> &ports) {
  std::vector<DataKind> kinds;
  for (const EnginePort &port : ports)
    kinds.push_back(dataKindOf(port.type));
  return kinds;
}

Result<std::vector<RuntimeValue>> readInputFiles(const std::vector<std::string> &arguments,
                                                 const std::vector<EnginePort> &ports) {
  InputFiles files(ports);
  for (const std::string &argument : arguments)
    TRY(files.add(argument));
  return files.take();
}

Result<std::vector<RuntimeValue>> readInputFolder(const std::string &folder,
                                                  const std::vector<EnginePort> &ports) {
  std::vector<RuntimeValue> values;
  for (std::optional<RuntimeValue> &value : TRY(readTestData(folder, "input", dataKinds(ports)))) {
    if (!value)
      return badInput(fmt::format("{}: no input_{}.pb for input {}", folder, values.size(),
                                  ports[values.size()].str()));
    values.push_back(std::move(*value));
  }
  return values;
}

Result<std::vector<RuntimeValue>>
randomInputs(Func &main, const std::map<std::string, int64_t> &dims, uint64_t seed) {
  std::vector<RuntimeValue> values;
  for (const std::unique_ptr<Value> &argument : main.body.args())
    values.push_back(TRY(randomInput(*argument, dims, seed, values.size())));
  return values;
}

} // namespace cameo
