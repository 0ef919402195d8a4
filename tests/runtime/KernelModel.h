// Models around a single call of a C kernel, made up for a test, and values as text.
#pragma once

#include <deque>
#include <string>
#include <vector>

extern "C" {
#include "runtime/abi.h"
}

namespace cameo {

/// Values and the memory they are in.
class Values {
public:
  template <class T>
  cameo_value tensor(const std::vector<int64_t> &dims, const std::vector<T> &data, int32_t dtype) {
    auto *bytes = reinterpret_cast<const char *>(data.data());
    return raw(dims, std::string(bytes, data.size() * sizeof(T)), dtype);
  }
  cameo_value floats(const std::vector<int64_t> &dims, const std::vector<float> &data) {
    return tensor(dims, data, CAMEO_FLOAT32);
  }
  cameo_value ints(const std::vector<int64_t> &dims, const std::vector<int64_t> &data) {
    return tensor(dims, data, CAMEO_INT64);
  }
  cameo_value bools(const std::vector<uint8_t> &data) {
    return tensor({static_cast<int64_t>(data.size())}, data, CAMEO_BOOL);
  }
  cameo_value strings(const std::vector<int64_t> &dims, const std::vector<std::string> &data,
                      bool withLengths = true);
  cameo_value sequence(const std::vector<cameo_value> &items);
  cameo_value some(const cameo_value &content);
  static cameo_value none();

private:
  cameo_value raw(const std::vector<int64_t> &dims, const std::string &bytes, int32_t dtype);
  std::deque<std::vector<int64_t>> ints_;
  std::deque<std::vector<double>> data_; // aligned for any element
  std::deque<std::string> texts_;
  std::deque<std::vector<const char *>> pointers_;
  std::deque<std::vector<cameo_value>> items_;
};

/// `i64[2,2] 1 2 3 4`, `str[1] "a"`, `(f32[] 1; f32[] 2)`, `some(...)`, `none`.
std::string show(const cameo_value &value);

/// A model of one node called "node", whose inputs are called x and whose outputs y.
class KernelModel {
public:
  explicit KernelModel(int32_t (*kernel)(cameo_call *)) : kernel_(kernel) {}

  /// An input of the model as declared by an example: tensors with all dims open, sequences and
  /// optionals of `dtype`. Inputs come before outputs.
  KernelModel &in(const cameo_value &value, int32_t dtype = CAMEO_FLOAT32);
  /// A tensor or strings, of which the model does not know the rank.
  KernelModel &inOfAnyRank(const cameo_value &value);
  KernelModel &absent();
  KernelModel &attr(const char *name, int64_t value);
  KernelModel &attr(const char *name, const std::vector<int64_t> &values);
  KernelModel &attr(const char *name, double value);
  KernelModel &attr(const char *name, const char *value);
  KernelModel &attr(const char *name, const std::vector<const char *> &values);
  /// A result in a box, all dims open; rank -1 for what is neither a tensor nor strings, or of any
  /// rank.
  KernelModel &out(int32_t dtype, int32_t rank, int32_t kind = CAMEO_TENSOR);
  /// A result that nobody wants.
  KernelModel &noOut();

  /// The results as text with " | " between, or the message of the failure. Runs several times,
  /// expecting the same.
  std::string run();

  /// For tests that need more than run(): the model, valid until the object changes, and a context.
  const cameo_model *model();
  cameo_context *context(uint32_t flags = 0);
  std::vector<cameo_value> inputs;
  int32_t threads = 1; // of contexts
  cameo_pool *pool = nullptr;

private:
  std::string runOnce(cameo_context *context);
  int64_t entry() { return -1 - numDims_++; }

  int32_t (*kernel_)(cameo_call *);
  int32_t numDims_ = 0, numBoxes_ = 0;
  std::deque<std::vector<int64_t>> dims_, intValues_;
  std::deque<double> floatValues_;
  std::deque<std::vector<const char *>> stringValues_;
  std::vector<cameo_io> inputPorts_, outputPorts_;
  std::vector<cameo_place> operands_, results_;
  std::vector<cameo_attribute> attributes_;
  std::vector<int32_t> defines_, outputBoxes_;
  std::vector<const char *> dimNames_;
  cameo_site site_ = {};
  cameo_code code_ = {};
  cameo_model model_ = {};
};

} // namespace cameo
