// See KernelModel.h.
#include "KernelModel.h"

#include <gtest/gtest.h>

#include <cstring>
#include <sstream>

extern "C" {
float cameo_half_to_float(uint16_t half);
float cameo_bfloat_to_float(uint16_t bfloat);
}

namespace cameo {

cameo_value Values::raw(const std::vector<int64_t> &dims, const std::string &bytes, int32_t dtype) {
  cameo_value value = {};
  ints_.push_back(dims);
  std::vector<double> &data = data_.emplace_back(bytes.size() / sizeof(double) + 1);
  std::memcpy(data.data(), bytes.data(), bytes.size());
  value.as.tensor = {data.data(), ints_.back().data(), 0, dtype, static_cast<int32_t>(dims.size())};
  return value;
}

cameo_value Values::strings(const std::vector<int64_t> &dims, const std::vector<std::string> &data,
                            bool withLengths) {
  cameo_value value = {};
  value.kind = CAMEO_STRINGS;
  pointers_.emplace_back();
  std::vector<int64_t> lengths;
  for (const std::string &text : data) {
    texts_.push_back(text);
    pointers_.back().push_back(texts_.back().c_str());
    lengths.push_back(static_cast<int64_t>(text.size()));
  }
  ints_.push_back(lengths);
  int64_t *first = ints_.back().data();
  ints_.push_back(dims);
  value.as.strings = {pointers_.back().data(), withLengths ? first : nullptr, ints_.back().data(),
                      static_cast<int32_t>(dims.size()), 0};
  return value;
}

cameo_value Values::sequence(const std::vector<cameo_value> &items) {
  cameo_value value = {};
  value.kind = CAMEO_SEQUENCE;
  items_.push_back(items);
  value.as.sequence = {items_.back().data(), static_cast<int64_t>(items.size())};
  return value;
}

cameo_value Values::some(const cameo_value &content) {
  cameo_value value = none();
  items_.push_back({content});
  value.as.optional.value = items_.back().data();
  return value;
}

cameo_value Values::none() {
  cameo_value value = {};
  value.kind = CAMEO_OPTIONAL;
  return value;
}

namespace {

void showDims(std::ostream &out, int32_t rank, const int64_t *dims) {
  out << "[";
  for (int32_t i = 0; i < rank; i++)
    out << (i ? "," : "") << dims[i];
  out << "]";
}

template <class T> void showAs(std::ostream &out, const void *data, int64_t i) {
  T value;
  std::memcpy(&value, static_cast<const char *>(data) + i * sizeof(T), sizeof(T));
  out << " " << +value;
}

void showElement(std::ostream &out, const cameo_tensor &tensor, int64_t i) {
  const void *data = tensor.data;
  switch (tensor.dtype) {
  case CAMEO_FLOAT32:
    return showAs<float>(out, data, i);
  case CAMEO_FLOAT64:
    return showAs<double>(out, data, i);
  case CAMEO_FLOAT16:
    out << " " << cameo_half_to_float(static_cast<const uint16_t *>(data)[i]);
    return;
  case CAMEO_BFLOAT16:
    out << " " << cameo_bfloat_to_float(static_cast<const uint16_t *>(data)[i]);
    return;
  case CAMEO_INT64:
    return showAs<int64_t>(out, data, i);
  case CAMEO_UINT64:
    return showAs<uint64_t>(out, data, i);
  case CAMEO_INT32:
    return showAs<int32_t>(out, data, i);
  case CAMEO_UINT32:
    return showAs<uint32_t>(out, data, i);
  case CAMEO_INT16:
    return showAs<int16_t>(out, data, i);
  case CAMEO_UINT16:
    return showAs<uint16_t>(out, data, i);
  case CAMEO_INT8:
    return showAs<int8_t>(out, data, i);
  default:
    return showAs<uint8_t>(out, data, i);
  }
}

const char *nameOf(int32_t dtype) {
  static const char *const names[] = {"?",   "f32", "u8",  "i8",   "u16", "i16",
                                      "i32", "i64", "str", "bool", "f16", "f64",
                                      "u32", "u64", "c64", "c128", "bf16"};
  return dtype >= 0 && dtype <= CAMEO_BFLOAT16 ? names[dtype] : "?";
}

void showOn(std::ostream &out, const cameo_value &value) {
  if (value.kind == CAMEO_TENSOR) {
    const cameo_tensor &tensor = value.as.tensor;
    out << nameOf(tensor.dtype);
    showDims(out, tensor.rank, tensor.dims);
    for (int64_t i = 0; i < cameo_call_count(tensor.rank, tensor.dims); i++)
      showElement(out, tensor, i);
  } else if (value.kind == CAMEO_STRINGS) {
    const cameo_strings &strings = value.as.strings;
    out << "str";
    showDims(out, strings.rank, strings.dims);
    for (int64_t i = 0; i < cameo_call_count(strings.rank, strings.dims); i++) {
      out << " \"" << std::string(strings.data[i], strings.lengths[i]) << "\"";
      EXPECT_EQ(strings.data[i][strings.lengths[i]], 0);
    }
  } else if (value.kind == CAMEO_SEQUENCE) {
    out << "(";
    for (int64_t i = 0; i < value.as.sequence.count; i++) {
      out << (i ? "; " : "");
      showOn(out, value.as.sequence.items[i]);
    }
    out << ")";
  } else if (!value.as.optional.value) {
    out << "none";
  } else {
    out << "some(";
    showOn(out, *value.as.optional.value);
    out << ")";
  }
}

void callOnce(cameo_frame *frame) { cameo_rt_call(frame, 0); }

} // namespace

std::string show(const cameo_value &value) {
  std::ostringstream text;
  showOn(text, value);
  return text.str();
}

KernelModel &KernelModel::in(const cameo_value &value, int32_t dtype) {
  bool tensor = value.kind == CAMEO_TENSOR, strings = value.kind == CAMEO_STRINGS;
  int32_t rank = tensor ? value.as.tensor.rank : strings ? value.as.strings.rank : -1;
  std::vector<int64_t> &dims = dims_.emplace_back();
  for (int32_t i = 0; i < rank; i++)
    dims.push_back(entry());
  cameo_io io = {"x",        dims.data(),
                 value.kind, tensor ? value.as.tensor.dtype : strings ? CAMEO_STRING : dtype,
                 rank,       0};
  operands_.push_back({CAMEO_SPACE_INPUT, static_cast<int32_t>(inputPorts_.size()), 0, io});
  inputPorts_.push_back(io);
  inputs.push_back(value);
  return *this;
}

KernelModel &KernelModel::inOfAnyRank(const cameo_value &value) {
  int32_t dtype = value.kind == CAMEO_STRINGS ? int32_t{CAMEO_STRING} : value.as.tensor.dtype;
  cameo_io io = {"x", nullptr, value.kind, dtype, -1, 0};
  operands_.push_back({CAMEO_SPACE_INPUT, static_cast<int32_t>(inputPorts_.size()), 0, io});
  inputPorts_.push_back(io);
  inputs.push_back(value);
  return *this;
}

KernelModel &KernelModel::absent() {
  operands_.push_back({});
  return *this;
}

KernelModel &KernelModel::attr(const char *name, int64_t value) {
  const auto &kept = intValues_.emplace_back(std::vector<int64_t>{value});
  attributes_.push_back({name, CAMEO_ATTR_INTS, 1, 1, kept.data()});
  return *this;
}

KernelModel &KernelModel::attr(const char *name, const std::vector<int64_t> &values) {
  const auto &kept = intValues_.emplace_back(values);
  attributes_.push_back({name, CAMEO_ATTR_INTS, 0, static_cast<int64_t>(kept.size()), kept.data()});
  return *this;
}

KernelModel &KernelModel::attr(const char *name, double value) {
  attributes_.push_back({name, CAMEO_ATTR_FLOATS, 1, 1, &floatValues_.emplace_back(value)});
  return *this;
}

KernelModel &KernelModel::attr(const char *name, const char *value) {
  const auto &kept = stringValues_.emplace_back(std::vector<const char *>{value});
  attributes_.push_back({name, CAMEO_ATTR_STRINGS, 1, 1, kept.data()});
  return *this;
}

KernelModel &KernelModel::attr(const char *name, const std::vector<const char *> &values) {
  const auto &kept = stringValues_.emplace_back(values);
  attributes_.push_back(
      {name, CAMEO_ATTR_STRINGS, 0, static_cast<int64_t>(kept.size()), kept.data()});
  return *this;
}

KernelModel &KernelModel::out(int32_t dtype, int32_t rank, int32_t kind) {
  std::vector<int64_t> &dims = dims_.emplace_back();
  for (int32_t i = 0; i < rank; i++) {
    defines_.push_back(numDims_);
    dims.push_back(entry());
  }
  cameo_io io = {"y", dims.data(), kind, dtype, rank, 1};
  results_.push_back({CAMEO_SPACE_BOX, numBoxes_, 0, io});
  outputPorts_.push_back(io);
  outputBoxes_.push_back(numBoxes_++);
  return *this;
}

KernelModel &KernelModel::noOut() {
  results_.push_back({});
  return *this;
}

const cameo_model *KernelModel::model() {
  static const char *const nodes[] = {"node"};
  auto size = [](const auto &list) { return static_cast<int32_t>(list.size()); };
  site_ = {
      kernel_,         operands_.data(), results_.data(),   attributes_.data(), defines_.data(),
      size(operands_), size(results_),   size(attributes_), size(defines_),     0};
  dimNames_.assign(numDims_, "n");
  code_.num_nodes = 1;
  code_.nodes = nodes;
  code_.main = callOnce;
  code_.num_boxes = numBoxes_;
  code_.num_sites = 1;
  code_.output_boxes = outputBoxes_.data();
  code_.sites = &site_;
  code_.boxing = &cameo_rt_boxing;
  model_.abi_version = CAMEO_ABI_VERSION;
  model_.struct_size = sizeof(cameo_model);
  model_.name = "kernel";
  model_.inputs = inputPorts_.data();
  model_.outputs = outputPorts_.data();
  model_.dim_names = dimNames_.data();
  model_.num_inputs = size(inputPorts_);
  model_.num_outputs = size(outputPorts_);
  model_.num_symbols = numDims_ - size(defines_);
  model_.num_dims = numDims_;
  model_.api = &cameo_rt_api;
  model_.code = &code_;
  return &model_;
}

cameo_context *KernelModel::context(uint32_t flags) {
  cameo_options options = cameo_default_options();
  options.flags = flags;
  options.threads = threads;
  options.pool = pool;
  cameo_context *context = nullptr;
  EXPECT_EQ(cameo_create(model(), &options, &context), CAMEO_OK);
  return context;
}

std::string KernelModel::runOnce(cameo_context *context) {
  std::vector<cameo_value> outputs(outputPorts_.size());
  for (size_t i = 0; i < outputs.size(); i++)
    outputs[i].kind = outputPorts_[i].kind;
  if (cameo_run(context, inputs.data(), outputs.data()) != CAMEO_OK)
    return cameo_last_error(context);
  std::string text;
  for (const cameo_value &output : outputs)
    text += (text.empty() ? "" : " | ") + show(output);
  return text;
}

std::string KernelModel::run() {
  cameo_context *own = context(), *poisoned = context(CAMEO_POISON);
  std::string first = runOnce(own);
  EXPECT_EQ(runOnce(own), first);
  EXPECT_EQ(runOnce(poisoned), first);
  cameo_destroy(own);
  cameo_destroy(poisoned);
  return first;
}

} // namespace cameo
