// The C++ face of cameo.h, for libraries made by Cameo: C++17 or newer, this header alone.
//
//     #include "digits.h"
//     #include <cameo.hpp>
//
//     cameo::Context context(digits(), cameo::Options().threads(2));
//     auto outputs = context.run({{"image", cameo::tensor(pixels, {n, 1, 8, 8})}});
//     cameo::Span<const float> logits = outputs["logits"].data<float>();
//
// Failures are cameo::Error, an exception with a status and a sentence. Each function that throws
// has a form that does not, `try...`, which returns a Result; with -fno-exceptions there are only
// these.
#ifndef CAMEO_HPP
#define CAMEO_HPP

#include "cameo.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace cameo {

/// Elements that lie one after the other and belong to someone else, as std::span, which it
/// converts to.
template <class T> class Span {
public:
  constexpr Span() = default;
  constexpr Span(T *data, size_t size) : data_(data), size_(size) {}
  template <class C, class = decltype(static_cast<T *>(std::declval<C &>().data()),
                                      std::declval<C &>().size())>
  constexpr Span(C &&container) : data_(container.data()), size_(container.size()) {}

  constexpr T *data() const { return data_; }
  constexpr size_t size() const { return size_; }
  constexpr bool empty() const { return size_ == 0; }
  constexpr T *begin() const { return data_; }
  constexpr T *end() const { return data_ + size_; }
  constexpr T &operator[](size_t i) const { return data_[i]; }

private:
  T *data_ = nullptr;
  size_t size_ = 0;
};

/// What went wrong: a status of cameo.h, and a sentence.
class Error : public std::runtime_error {
public:
  Error(int32_t status, const std::string &message)
      : std::runtime_error(message), status_(status) {}
  int32_t status() const { return status_; }

private:
  int32_t status_;
};

/// A value or an error.
template <class T> class Result {
public:
  Result(T value) : value_(std::move(value)) {}
  Result(Error error) : error_(std::move(error)) {}

  explicit operator bool() const { return value_.has_value(); }
  /// Only where there is one.
  T &operator*() { return *value_; }
  T *operator->() { return &*value_; }
  const Error &error() const { return *error_; }
#ifdef __cpp_exceptions
  /// Throws the error where there is one.
  T value() && {
    if (error_)
      throw *error_;
    return std::move(*value_);
  }
#endif

private:
  std::optional<T> value_;
  std::optional<Error> error_;
};

/// The number in cameo.h of an element type. Half precision has no type in C++17: uint16_t with
/// CAMEO_FLOAT16 or CAMEO_BFLOAT16 said.
template <class T> constexpr int32_t dtypeOf() {
  using E = std::remove_cv_t<T>;
  if constexpr (std::is_same_v<E, bool>)
    return CAMEO_BOOL;
  else if constexpr (std::is_floating_point_v<E> && sizeof(E) <= 8)
    return sizeof(E) == 4 ? CAMEO_FLOAT32 : CAMEO_FLOAT64;
  else if constexpr (std::is_integral_v<E>) {
    constexpr bool isSigned = std::is_signed_v<E>;
    switch (sizeof(E)) {
    case 1:
      return isSigned ? CAMEO_INT8 : CAMEO_UINT8;
    case 2:
      return isSigned ? CAMEO_INT16 : CAMEO_UINT16;
    case 4:
      return isSigned ? CAMEO_INT32 : CAMEO_UINT32;
    default:
      return isSigned ? CAMEO_INT64 : CAMEO_UINT64;
    }
  } else
    return CAMEO_UNDEFINED;
}

/// A tensor whose elements belong to the caller: an input, or the buffer of an output.
struct Tensor {
  void *data = nullptr;
  size_t bytes = 0;
  int32_t dtype = CAMEO_UNDEFINED;
  std::vector<int64_t> dims;
};

/// The elements of a container or span as a tensor. A buffer needs no dims, the run says them.
template <class C> Tensor tensor(C &&container, std::vector<int64_t> dims = {}) {
  using T = std::remove_reference_t<decltype(*container.data())>;
  static_assert(dtypeOf<T>() != CAMEO_UNDEFINED, "a type that tensors have");
  // The C API has one type for inputs and outputs; inputs are only read.
  auto *data = const_cast<std::remove_cv_t<T> *>(container.data());
  return {container.size() ? data : nullptr, container.size() * sizeof(T), dtypeOf<T>(),
          std::move(dims)};
}

/// The same with another element type than that of C++, e.g. CAMEO_FLOAT16 for uint16_t.
template <class C> Tensor tensor(C &&container, std::vector<int64_t> dims, int32_t dtype) {
  Tensor made = tensor(container, std::move(dims));
  made.dtype = dtype;
  return made;
}

/// A tensor by the name of an input or output.
struct Named {
  std::string_view name;
  Tensor tensor;
};

/// An input or output of a model.
class Port {
public:
  explicit Port(const cameo_io &io) : io_(&io) {}
  std::string_view name() const { return io_->name; }
  int32_t dtype() const { return io_->dtype; }
  int32_t kind() const { return io_->kind; }
  /// Negative dims are symbols, see Model::dimName. Empty where the rank is not known before the
  /// run.
  Span<const int64_t> dims() const {
    return {io_->dims, static_cast<size_t>(io_->rank < 0 ? 0 : io_->rank)};
  }

private:
  const cameo_io *io_;
};

/// A compiled model. It lives as long as its library; copies cost nothing.
class Model {
public:
  Model(const cameo_model *model) : model_(model) {}
  const cameo_model *get() const { return model_; }

  std::string_view name() const { return model_->name; }
  /// What the model's file says under a key: cameo_metadata().
  std::optional<std::string_view> metadata(const std::string &key) const {
    const char *found = cameo_metadata(model_, key.c_str());
    return found ? std::optional<std::string_view>(found) : std::nullopt;
  }
  size_t inputCount() const { return static_cast<size_t>(model_->num_inputs); }
  size_t outputCount() const { return static_cast<size_t>(model_->num_outputs); }
  Port input(size_t i) const { return Port(model_->inputs[i]); }
  Port output(size_t i) const { return Port(model_->outputs[i]); }
  /// The position of a name; nothing if there is no such input or output.
  std::optional<size_t> findInput(std::string_view name) const {
    return find(model_->inputs, inputCount(), name);
  }
  std::optional<size_t> findOutput(std::string_view name) const {
    return find(model_->outputs, outputCount(), name);
  }
  /// The name of a dim of a port that is negative.
  std::string_view dimName(int64_t dim) const {
    const char *name = model_->dim_names[cameo_dim_entry(dim)];
    return name ? name : "";
  }

private:
  static std::optional<size_t> find(const cameo_io *ports, size_t count, std::string_view name) {
    for (size_t i = 0; i < count; i++)
      if (name == ports[i].name)
        return i;
    return std::nullopt;
  }

  const cameo_model *model_;
};

/// Options of a context, by their names in cameo_options.
class Options {
public:
  Options &threads(int32_t count) { return set(&cameo_options::threads, count); }
  Options &flags(uint32_t bits) { return set(&cameo_options::flags, bits); }
  Options &seed(uint64_t seed) { return set(&cameo_options::seed, seed); }
  Options &maxSeconds(double seconds) { return set(&cameo_options::max_seconds, seconds); }
  Options &maxIterations(int64_t count) { return set(&cameo_options::max_iterations, count); }
  Options &pool(cameo_pool *shared) { return set(&cameo_options::pool, shared); }
  /// The path is not copied.
  Options &weightsPath(const char *path) { return set(&cameo_options::weights_path, path); }
  const cameo_options &get() const { return options_; }

private:
  template <class T> Options &set(T cameo_options::*field, T value) {
    options_.*field = value;
    return *this;
  }
  cameo_options options_ = cameo_default_options();
};

/// An output of a run. What it refers to is valid until the context's next run.
class Output {
public:
  Output(const cameo_value *value, const cameo_io *io) : value_(value), io_(io) {}
  std::string_view name() const { return io_->name; }
  /// For strings, sequences and optionals.
  const cameo_value &raw() const { return *value_; }
  int32_t dtype() const {
    return isTensor() ? value_->as.tensor.dtype : static_cast<int32_t>(CAMEO_UNDEFINED);
  }
  Span<const int64_t> dims() const {
    return isTensor() ? Span<const int64_t>(value_->as.tensor.dims,
                                            static_cast<size_t>(value_->as.tensor.rank))
                      : Span<const int64_t>();
  }
  size_t size() const {
    size_t count = isTensor() ? 1 : 0;
    for (int64_t dim : dims())
      count *= static_cast<size_t>(dim);
    return count;
  }
  /// The elements; an error where they are of another type. uint16_t serves for half precision.
  template <class T> Result<Span<const T>> tryData() const {
    bool isHalf =
        std::is_same_v<T, uint16_t> && (dtype() == CAMEO_FLOAT16 || dtype() == CAMEO_BFLOAT16);
    if (!isTensor() || (dtype() != dtypeOf<T>() && !isHalf))
      return Error(CAMEO_WRONG_DTYPE,
                   "output '" + std::string(name()) + "' has elements of another type");
    return Span<const T>(static_cast<const T *>(value_->as.tensor.data), size());
  }
#ifdef __cpp_exceptions
  template <class T> Span<const T> data() const { return tryData<T>().value(); }
#endif

private:
  bool isTensor() const { return value_->kind == CAMEO_TENSOR; }
  const cameo_value *value_;
  const cameo_io *io_;
};

/// The outputs of a run, by position or name.
class Outputs {
public:
  Outputs(Model model, const cameo_value *values) : model_(model), values_(values) {}
  size_t size() const { return model_.outputCount(); }
  Output operator[](size_t i) const { return Output(&values_[i], &model_.get()->outputs[i]); }
  Result<Output> tryGet(std::string_view name) const {
    std::optional<size_t> at = model_.findOutput(name);
    if (!at)
      return Error(CAMEO_INVALID_ARGUMENT, "there is no output '" + std::string(name) + "'");
    return (*this)[*at];
  }
#ifdef __cpp_exceptions
  Output operator[](std::string_view name) const { return tryGet(name).value(); }
#endif

private:
  Model model_;
  const cameo_value *values_;
};

/// The memory and threads of one caller; moves, and frees them at its end.
class Context {
public:
  static Result<Context> tryCreate(Model model, const Options &options = {}) {
    std::array<char, 512> message{};
    cameo_options given = options.get();
    given.message = message.data();
    given.message_size = static_cast<int64_t>(message.size());
    cameo_context *made = nullptr;
    int32_t status = cameo_create(model.get(), &given, &made);
    if (status != CAMEO_OK)
      return Error(status,
                   message[0] ? message.data() : "the library is of another version of Cameo");
    return Context(made);
  }
#ifdef __cpp_exceptions
  explicit Context(Model model, const Options &options = {})
      : Context(tryCreate(model, options).value()) {}
#endif
  Context(Context &&other) noexcept
      : context_(std::exchange(other.context_, nullptr)), outputs_(std::move(other.outputs_)) {}
  Context &operator=(Context &&other) noexcept {
    std::swap(context_, other.context_);
    std::swap(outputs_, other.outputs_);
    return *this;
  }
  ~Context() { cameo_destroy(context_); }

  cameo_context *get() const { return context_; }
  Model model() const { return Model(context_->model); }

  /// Runs on tensors by name. Outputs named in `buffers` are written there, whose dims do not
  /// count, the others to memory of the context.
  Result<Outputs> tryRun(Span<const Named> inputs, Span<const Named> buffers = {}) {
    std::vector<cameo_value> values(model().inputCount());
    std::vector<bool> given(values.size());
    for (const Named &input : inputs) {
      std::optional<size_t> at = model().findInput(input.name);
      if (!at || given[*at])
        return wrong(at ? "was given twice" : "is none of the model's", "input", input.name);
      given[*at] = true;
      values[*at] = valueOf(input.tensor);
      values[*at].as.tensor.dims = const_cast<int64_t *>(input.tensor.dims.data()); // only read
      values[*at].as.tensor.rank = static_cast<int32_t>(input.tensor.dims.size());
    }
    for (size_t i = 0; i < given.size(); i++)
      if (!given[i])
        return wrong("is missing", "input", model().input(i).name());
    outputs_.assign(model().outputCount(), cameo_value{});
    for (const Named &buffer : buffers) {
      std::optional<size_t> at = model().findOutput(buffer.name);
      if (!at)
        return wrong("is none of the model's", "output", buffer.name);
      outputs_[*at] = valueOf(buffer.tensor);
    }
    return tryRun(values.data());
  }
  /// Runs on values of any kind, one for each input.
  Result<Outputs> tryRunRaw(Span<const cameo_value> inputs) {
    if (inputs.size() != model().inputCount())
      return Error(CAMEO_INVALID_ARGUMENT, "expected a value for each input");
    outputs_.assign(model().outputCount(), cameo_value{});
    return tryRun(inputs.data());
  }
#ifdef __cpp_exceptions
  Outputs run(std::initializer_list<Named> inputs, std::initializer_list<Named> buffers = {}) {
    return run(Span<const Named>(inputs.begin(), inputs.size()),
               Span<const Named>(buffers.begin(), buffers.size()));
  }
  Outputs run(Span<const Named> inputs, Span<const Named> buffers = {}) {
    return tryRun(inputs, buffers).value();
  }
#endif
  /// Ends the run that is in progress, from any thread.
  void cancel() { cameo_cancel(context_); }

private:
  explicit Context(cameo_context *context) : context_(context) {}

  static Error wrong(const char *what, const char *kind, std::string_view name) {
    return Error(CAMEO_INVALID_ARGUMENT,
                 std::string(kind) + " '" + std::string(name) + "' " + what);
  }
  static cameo_value valueOf(const Tensor &given) {
    cameo_value value{};
    value.kind = CAMEO_TENSOR;
    value.as.tensor.data = given.data;
    value.as.tensor.capacity = static_cast<int64_t>(given.bytes);
    value.as.tensor.dtype = given.dtype;
    return value;
  }
  Result<Outputs> tryRun(const cameo_value *inputs) {
    int32_t status = cameo_run(context_, inputs, outputs_.data());
    if (status != CAMEO_OK)
      return Error(status, cameo_last_error(context_));
    return Outputs(model(), outputs_.data());
  }

  cameo_context *context_;
  std::vector<cameo_value> outputs_;
};

} // namespace cameo

#endif
