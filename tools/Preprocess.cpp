// See Preprocess.h.
#include "tools/Preprocess.h"

#include "ir/Builder.h"
#include "ir/Storage.h"
#include "support/Text.h"

#include <array>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <numeric>
#include <optional>

namespace cameo {

namespace {

using Size = std::array<int64_t, 2>; // height, width
constexpr int64_t kMaxSide = 1 << 16;

struct Preprocessing {
  std::string input;
  bool channelsLast = true;
  bool isReversed = false, isAntialiased = false;
  std::optional<Size> size, resize, crop;
  bool isSquare = false; // resize is one number

  /// Whether `resize` is about the shorter side, and proportions stay.
  bool keepsProportions() const { return isSquare && crop; }
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

/// The sides that an item of this name gives, or null.
std::optional<Size> *sidesOf(std::string_view name, Preprocessing &made) {
  return name == "size"     ? &made.size
         : name == "resize" ? &made.resize
         : name == "crop"   ? &made.crop
                            : nullptr;
}

/// What the text between two commas says; one without a name is a further number of `list`.
bool parseItem(std::string_view item, Preprocessing &made, std::vector<double> *&list) {
  size_t at = item.find('=');
  std::string_view name = item.substr(0, at);
  if (at == std::string_view::npos && (name == "bgr" || name == "antialias")) {
    list = nullptr;
    (name == "bgr" ? made.isReversed : made.isAntialiased) = true;
    return true;
  }
  std::string_view value = at == std::string_view::npos ? item : item.substr(at + 1);
  if (at != std::string_view::npos)
    list = name == "mean" ? &made.mean : name == "std" ? &made.deviation : nullptr;
  if (std::optional<Size> *sides = sidesOf(name, made)) {
    if (name == "resize")
      made.isSquare = value.find('x') == std::string_view::npos;
    return (*sides = parseSides(value)).has_value();
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
      return badInput(fmt::format("--preprocess: expected bgr, size=HxW, resize=HxW, antialias, "
                                  "crop=HxW, scale=, mean= or std= with numbers, got {}",
                                  quote(item)));
    rest.remove_prefix(end);
  }
  for (double deviation : made.deviation)
    if (deviation == 0)
      return badInput("--preprocess: std is 0");
  if (made.scale == 0)
    return badInput("--preprocess: scale is 0");
  if (made.isAntialiased && !made.resize)
    return badInput("--preprocess: antialias is of a resize");
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
  Value *proportional(Value *picture, Value *shorter);
  Value *resized(Value *value);
  Value *middle(Value *value, int64_t axis, int64_t count);
  Result<Value *> cropped(Value *value);
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
  const std::optional<Size> &sides = spec_.crop     ? spec_.crop
                                     : spec_.resize ? spec_.resize
                                                    : spec_.size;
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
  bool isOther = spec_.resize || spec_.crop; // than what the model takes
  if (isOther && spec_.size)
    height = (*spec_.size)[0], width = (*spec_.size)[1];
  else if (isOther)
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

/// Sizes of the picture that `shorter` makes its shorter side, rounded down. The two scales then
/// differ a little, as they do in OpenCV and Pillow: ONNX's policies of proportions have one scale.
Value *Baker::proportional(Value *picture, Value *shorter) {
  AttrDict attrs;
  attrs.set("start", int64_t{2});
  attrs.set("end", int64_t{4});
  Value *sides = b_.graphValue(OpKind::Shape, {picture}, attrs);
  Value *least = b_.graphValue(OpKind::ReduceMin, {sides});
  return b_.graphValue(OpKind::Div, {b_.graphValue(OpKind::Mul, {sides, shorter}), least});
}

Value *Baker::resized(Value *value) {
  AttrDict attrs;
  attrs.set("mode", std::string("linear"));
  attrs.set("axes", std::vector<int64_t>{2, 3});
  if (spec_.isAntialiased) {
    attrs.set("antialias", int64_t{1});
    attrs.set("exclude_outside", int64_t{1}); // at the borders as Pillow does
  }
  Value *absent = nullptr;
  Value *sizes = b_.constant(makeConst({(*spec_.resize)[0], (*spec_.resize)[1]}));
  if (spec_.keepsProportions())
    sizes = proportional(value, sizes);
  return b_.graphValue(OpKind::Resize, {value, absent, absent, sizes}, attrs);
}

/// The middle of an axis whose size only the run knows. An index that there is not, as the axis is
/// too short, ends the run with an error.
Value *Baker::middle(Value *value, int64_t axis, int64_t count) {
  AttrDict attrs;
  attrs.set("start", axis);
  attrs.set("end", axis + 1);
  Value *extent = b_.graphValue(OpKind::Shape, {value}, attrs);
  Value *rest = b_.graphValue(OpKind::Sub, {extent, b_.constant(makeConst({count}))});
  Value *begin = b_.graphValue(OpKind::Div, {rest, b_.constant(makeConst({2}))});
  std::vector<int64_t> steps(static_cast<size_t>(count));
  std::iota(steps.begin(), steps.end(), 0);
  Value *indices = b_.graphValue(OpKind::Add, {begin, b_.constant(makeConst(steps))});
  attrs = {};
  attrs.set("axis", axis);
  return b_.graphValue(OpKind::Gather, {value, indices}, attrs);
}

Result<Value *> Baker::cropped(Value *value) {
  for (int64_t axis : {2, 3}) {
    int64_t count = (*spec_.crop)[axis - 2];
    const Dim &extent = value->type.dim(axis);
    if (!extent.isConst()) {
      value = middle(value, axis, count);
      continue;
    }
    if (extent.value() < count)
      return badInput(fmt::format("{}: crop={}x{} of a picture of {}x{}", what_, (*spec_.crop)[0],
                                  (*spec_.crop)[1], value->type.dim(2).str(),
                                  value->type.dim(3).str()));
    int64_t begin = (extent.value() - count) / 2;
    value = b_.graphValue(OpKind::Slice, {value, b_.constant(makeConst({begin})),
                                          b_.constant(makeConst({begin + count})),
                                          b_.constant(makeConst({axis}))});
  }
  return value;
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
  if (spec_.resize)
    value = resized(value);
  if (spec_.crop)
    value = TRY(cropped(value));
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
