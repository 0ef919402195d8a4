// See Preprocess.h.
#include "tools/Preprocess.h"

#include "ir/Builder.h"
#include "ir/Storage.h"
#include "support/Text.h"

#include <array>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <optional>

namespace cameo {

namespace {

using Size = std::array<int64_t, 2>; // height, width
constexpr int64_t kMaxSide = 1 << 16;

struct Preprocessing {
  std::string input;
  bool channelsLast = true;
  bool isReversed = false;
  std::optional<Size> size, resize;
  double scale = 1 / 255.0;
  std::vector<double> mean, deviation;
};

std::optional<double> parseNumber(std::string_view text) {
  double value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
    return std::nullopt;
  return value;
}

/// `480x640`, or `224` for both.
std::optional<Size> parseSides(std::string_view text) {
  size_t at = text.find('x');
  Size sides;
  std::string_view parts[] = {text.substr(0, at),
                              at == std::string_view::npos ? text : text.substr(at + 1)};
  for (int i = 0; i < 2; ++i) {
    auto [end, error] =
        std::from_chars(parts[i].data(), parts[i].data() + parts[i].size(), sides[i]);
    if (error != std::errc() || end != parts[i].data() + parts[i].size() || sides[i] < 1 ||
        sides[i] > kMaxSide)
      return std::nullopt;
  }
  return sides;
}

/// What the text between two commas says; one without a name is a further number of `list`.
bool parseItem(std::string_view item, Preprocessing &made, std::vector<double> *&list) {
  size_t at = item.find('=');
  std::string_view name = item.substr(0, at);
  if (at == std::string_view::npos && name == "bgr") {
    list = nullptr;
    return made.isReversed = true;
  }
  std::string_view value = at == std::string_view::npos ? item : item.substr(at + 1);
  if (at != std::string_view::npos)
    list = name == "mean" ? &made.mean : name == "std" ? &made.deviation : nullptr;
  if (name == "size" || name == "resize") {
    std::optional<Size> &sides = name == "size" ? made.size : made.resize;
    return (sides = parseSides(value)).has_value();
  }
  std::optional<double> number = parseNumber(value);
  if (!number || (!list && name != "scale"))
    return false;
  if (list)
    list->push_back(*number);
  else
    made.scale = *number;
  return true;
}

Result<Preprocessing> parse(const std::string &text) {
  Preprocessing made;
  size_t at = std::min(text.find("=u8hwc"), text.find("=u8chw"));
  if (at == std::string::npos || (text.size() > at + 6 && text[at + 6] != ','))
    return badInput(fmt::format("--preprocess: expected INPUT=u8hwc or INPUT=u8chw and what to do "
                                "with it, got {}",
                                quote(text)));
  made.input = text.substr(0, at);
  made.channelsLast = text.compare(at, 6, "=u8hwc") == 0;
  std::vector<double> *list = nullptr;
  for (std::string_view rest = std::string_view(text).substr(at + 6); !rest.empty();) {
    size_t end = std::min(rest.find(',', 1), rest.size());
    std::string_view item = rest.substr(1, end - 1);
    if (!parseItem(item, made, list))
      return badInput(fmt::format("--preprocess: expected bgr, size=HxW, resize=HxW, scale=, mean= "
                                  "or std= with numbers, got {}",
                                  quote(item)));
    rest.remove_prefix(end);
  }
  for (double deviation : made.deviation)
    if (deviation == 0)
      return badInput("--preprocess: std is 0");
  if (made.scale == 0)
    return badInput("--preprocess: scale is 0");
  return made;
}

class Baker {
public:
  Baker(Module &module, Preprocessing spec)
      : spec_(std::move(spec)), module_(module), b_(module),
        what_(fmt::format("--preprocess: input {}", quote(spec_.input))) {}

  Result<void> bake();

private:
  Result<void> check();
  Result<void> checkChannels(const char *name, const std::vector<double> &values);
  Dim openSide(const char *name);
  Type pictureType();
  Value *numbers(const std::vector<double> &values);
  Value *toChannelsFirst(Value *value);
  Value *normalized(Value *value);

  Preprocessing spec_;
  Module &module_;
  Builder b_;
  std::string what_;
  Value *input_ = nullptr;
  int64_t channels_ = 0;
};

Result<void> Baker::check() {
  for (const std::unique_ptr<Value> &arg : module_.main().body.args())
    if (arg->name == spec_.input)
      input_ = arg.get();
  if (!input_)
    return badInput(what_ + " is none of the model's");
  const Type &type = input_->type;
  if (!type.isRanked() || !isFloat(type.dtype()) || type.rank() != 4 || !type.dim(1).isConst())
    return badInput(fmt::format("{} is {}, expected floats [batch, channels, height, width] with a "
                                "fixed number of channels",
                                what_, type.str()));
  channels_ = type.dim(1).value();
  const std::optional<Size> &sides = spec_.resize ? spec_.resize : spec_.size;
  for (int i = 0; sides && i < 2; ++i)
    if (!(type.dim(2 + i) == Dim((*sides)[i])))
      return badInput(fmt::format("{} is {}, not of {}x{} pixels; --shape fixes what is open",
                                  what_, type.str(), (*sides)[0], (*sides)[1]));
  TRY(checkChannels("mean", spec_.mean));
  return checkChannels("std", spec_.deviation);
}

Result<void> Baker::checkChannels(const char *name, const std::vector<double> &values) {
  int64_t count = static_cast<int64_t>(values.size());
  if (count > 1 && count != channels_)
    return badInput(
        fmt::format("{} has {} channels, {} has {} numbers", what_, channels_, name, count));
  return {};
}

/// A size of the picture that only the run knows.
Dim Baker::openSide(const char *name) {
  std::string symbol = identifier(spec_.input + "_" + name);
  while (module_.metadata.contains("dim." + symbol))
    symbol += "_";
  module_.metadata["dim." + symbol] = symbol;
  return Dim::symbol(symbol);
}

Type Baker::pictureType() {
  Dim height = input_->type.dim(2), width = input_->type.dim(3);
  if (spec_.resize && spec_.size)
    height = (*spec_.size)[0], width = (*spec_.size)[1];
  else if (spec_.resize)
    height = openSide("height"), width = openSide("width");
  const Dim &batch = input_->type.dim(0);
  return Type::tensor(DType::U8, spec_.channelsLast ? Dims{batch, height, width, channels_}
                                                    : Dims{batch, channels_, height, width});
}

/// A constant [channels, 1, 1] or of one number.
Value *Baker::numbers(const std::vector<double> &values) {
  std::vector<std::byte> bytes(values.size() * sizeof(float));
  for (size_t i = 0; i < values.size(); ++i)
    writeAs(&bytes[i * sizeof(float)], static_cast<float>(values[i]));
  return b_.constant(
      makeConst(DType::F32, {static_cast<int64_t>(values.size()), 1, 1}, std::move(bytes)));
}

Value *Baker::toChannelsFirst(Value *value) {
  AttrDict attrs;
  if (spec_.channelsLast) {
    attrs.set("perm", std::vector<int64_t>{0, 3, 1, 2});
    value = b_.graphValue(OpKind::Transpose, {value}, attrs);
  }
  if (!spec_.isReversed)
    return value;
  std::vector<int64_t> order;
  for (int64_t i = channels_; i-- > 0;)
    order.push_back(i);
  attrs = {};
  attrs.set("axis", int64_t{1});
  return b_.graphValue(OpKind::Gather, {value, b_.constant(makeConst(order))}, attrs);
}

/// (value * scale - mean) / std, with one subtraction and one product.
Value *Baker::normalized(Value *value) {
  std::vector<double> shift, factor;
  for (double mean : spec_.mean)
    shift.push_back(mean / spec_.scale);
  for (double deviation : spec_.deviation)
    factor.push_back(spec_.scale / deviation);
  if (!shift.empty())
    value = b_.graphValue(OpKind::Sub, {value, numbers(shift)});
  return b_.graphValue(OpKind::Mul,
                       {value, numbers(factor.empty() ? std::vector{spec_.scale} : factor)});
}

Result<void> Baker::bake() {
  TRY(check());
  const Type wanted = input_->type;
  b_.before(module_.main().body.ops().front().get());
  input_->type = pictureType();
  AttrDict to;
  to.set("to", DType::F32);
  Value *value = b_.graphValue(OpKind::Cast, {input_}, to);
  Op *first = value->definingOp();
  value = toChannelsFirst(value);
  if (spec_.resize) {
    AttrDict attrs;
    attrs.set("mode", std::string("linear"));
    attrs.set("axes", std::vector<int64_t>{2, 3});
    Value *absent = nullptr;
    Value *sizes = b_.constant(makeConst({(*spec_.resize)[0], (*spec_.resize)[1]}));
    value = b_.graphValue(OpKind::Resize, {value, absent, absent, sizes}, attrs);
  }
  value = normalized(value);
  if (wanted.dtype() != DType::F32) {
    to.set("to", wanted.dtype());
    value = b_.graphValue(OpKind::Cast, {value}, to);
  }
  ICE_UNLESS(value->type == wanted, "preprocessing makes another type than the model takes");
  input_->replaceAllUsesWith(value);
  first->setOperand(0, input_);
  return {};
}

} // namespace

Result<void> bakePreprocessing(Module &module, const std::string &text) {
  return Baker(module, TRY(parse(text))).bake();
}

} // namespace cameo
