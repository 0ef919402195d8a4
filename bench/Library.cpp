// See Library.h.
#include "bench/Library.h"

#include "bench/HostTensor.h"
#include "bench/Report.h"
#include "bench/Verify.h"
#include "runtime/include/cameo_bundle.h"
#include "support/File.h"
#include "support/Nearest.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <dlfcn.h>
#include <elf.h>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <map>

namespace cameo {

namespace {

PortInfo portInfo(const cameo_model &model, const cameo_io &io) {
  PortInfo port;
  port.name = io.name;
  port.kind = io.kind;
  port.dtype = dtypeFromOnnx(io.dtype);
  port.ranked = io.rank >= 0;
  for (int32_t d = 0; d < io.rank; ++d) {
    int64_t dim = io.dims[d];
    const char *name = cameo_dim_is_entry(dim) ? model.dim_names[cameo_dim_entry(dim)] : nullptr;
    port.extents.push_back(cameo_dim_is_entry(dim) ? -1 : dim);
    port.dims.push_back(cameo_dim_is_entry(dim) ? name ? name : "?" : std::to_string(dim));
  }
  return port;
}

/// Copies what a run returned out of the context's memory.
Result<RuntimeValue> fromApi(const cameo_value &value, const std::string &name);

Result<RuntimeValue> tensorFromApi(const cameo_tensor &tensor, const std::string &name) {
  std::optional<DType> dtype = dtypeFromOnnx(tensor.dtype);
  if (!dtype || *dtype == DType::String)
    return unsupported(fmt::format("output '{}' has element type {}, which cannot be read here",
                                   name, tensor.dtype));
  std::vector<int64_t> dims(tensor.dims, tensor.dims + tensor.rank);
  std::optional<int64_t> count = checkedNumElements(dims);
  if (!count)
    return badInput(fmt::format("output '{}' has the shape {}, which is too large to be read here",
                                name, dimsText(dims)));
  const std::byte *data = static_cast<const std::byte *>(tensor.data);
  return RuntimeValue(
      makeTensor(*dtype, dims, std::vector<std::byte>(data, data + *count * dtypeBytes(*dtype))));
}

Result<RuntimeValue> stringsFromApi(const cameo_strings &from) {
  std::vector<int64_t> dims(from.dims, from.dims + from.rank);
  std::vector<std::string> strings;
  for (int64_t i = 0, n = checkedNumElements(dims).value_or(0); i < n; ++i)
    strings.push_back(from.lengths ? std::string(from.data[i], static_cast<size_t>(from.lengths[i]))
                                   : std::string(from.data[i]));
  return RuntimeValue(Tensor::ofStrings(std::move(dims), std::move(strings)));
}

Result<RuntimeValue> fromApi(const cameo_value &value, const std::string &name) {
  switch (value.kind) {
  case CAMEO_TENSOR:
    return tensorFromApi(value.as.tensor, name);
  case CAMEO_STRINGS:
    return stringsFromApi(value.as.strings);
  case CAMEO_OPTIONAL:
    if (!value.as.optional.value)
      return RuntimeValue();
    return fromApi(*value.as.optional.value, name);
  case CAMEO_SEQUENCE: {
    auto sequence = std::make_shared<Sequence>();
    for (int64_t i = 0; i < value.as.sequence.count; ++i)
      sequence->items.push_back(TRY(fromApi(value.as.sequence.items[i], name)));
    if (!sequence->items.empty() && sequence->items.front().isTensor())
      sequence->dtype = sequence->items.front().tensor().dtype;
    return RuntimeValue(std::shared_ptr<const Sequence>(std::move(sequence)));
  }
  default:
    return unsupported(fmt::format("output '{}' is a map, which cannot be read here", name));
  }
}

} // namespace

/// The C structures of a run and the values they point into. A deque keeps addresses stable.
struct Session::Arguments {
  std::vector<RuntimeValue> values;
  std::vector<cameo_value> inputs, outputs;
  std::deque<std::vector<cameo_value>> items;
  std::deque<std::vector<const char *>> strings;
  std::deque<std::vector<int64_t>> lengths;

  cameo_value toApi(const RuntimeValue &value, int32_t kind);
  cameo_value tensorToApi(const Tensor &tensor);
};

cameo_value Session::Arguments::tensorToApi(const Tensor &tensor) {
  cameo_value out = {};
  // The API takes dims as a mutable pointer for the sake of outputs; inputs are not written.
  int64_t *dims = const_cast<int64_t *>(tensor.dims.data());
  if (tensor.dtype == DType::String) {
    out.kind = CAMEO_STRINGS;
    std::vector<const char *> &pointers = strings.emplace_back();
    std::vector<int64_t> &sizes = lengths.emplace_back();
    for (const std::string &text : *tensor.strings) {
      pointers.push_back(text.data());
      sizes.push_back(static_cast<int64_t>(text.size()));
    }
    out.as.strings = {pointers.data(), sizes.data(), dims, static_cast<int32_t>(tensor.rank()), 0};
    return out;
  }
  out.kind = CAMEO_TENSOR;
  out.as.tensor = {const_cast<std::byte *>(tensor.data()), dims, tensor.numBytes(),
                   dtypeToOnnx(tensor.dtype), static_cast<int32_t>(tensor.rank())};
  return out;
}

cameo_value Session::Arguments::toApi(const RuntimeValue &value, int32_t kind) {
  cameo_value out = {};
  out.kind = kind;
  if (kind == CAMEO_OPTIONAL) {
    if (!value.isNone()) {
      std::vector<cameo_value> &content = items.emplace_back();
      content.push_back(toApi(value, value.isSequence() ? CAMEO_SEQUENCE : CAMEO_TENSOR));
      out.as.optional.value = content.data();
    }
    return out;
  }
  if (value.isTensor())
    return tensorToApi(value.tensor());
  out.kind = CAMEO_SEQUENCE;
  std::vector<cameo_value> &content = items.emplace_back();
  if (value.isSequence())
    for (const RuntimeValue &item : value.sequence().items)
      content.push_back(toApi(item, item.isSequence() ? CAMEO_SEQUENCE : CAMEO_TENSOR));
  out.as.sequence = {content.data(), static_cast<int64_t>(content.size())};
  return out;
}

std::string foreignCode(const std::string &path) {
  // ELF: the class is at byte 4, the machine at 18.
  std::array<unsigned char, 20> head = {}, own = {};
  auto read = [](const std::string &file, std::array<unsigned char, 20> &bytes) {
    std::ifstream(file, std::ios::binary)
        .read(reinterpret_cast<char *>(bytes.data()), bytes.size());
  };
  read(path, head);
  read("/proc/self/exe", own);
  std::string_view magic(reinterpret_cast<char *>(head.data()), 4);
  if (magic == std::string_view("\0asm", 4))
    return "a WebAssembly module runs in a browser or Node.js, not here";
  if (magic != "\x7f"
               "ELF" ||
      (head[4] == own[4] && head[18] == own[18] && head[19] == own[19]))
    return "";
  static const std::map<int, const char *> names = {
      {EM_X86_64, "x86_64"}, {EM_AARCH64, "aarch64"}, {EM_ARM, "armv7"}, {EM_RISCV, "riscv64"}};
  auto name = names.find(head[18] | head[19] << 8);
  return fmt::format("made for {}, cannot run on this machine",
                     name == names.end() ? "another architecture" : name->second);
}

LibraryName LibraryName::of(const std::string &text) {
  size_t at = text.find(".so:");
  if (at == std::string::npos)
    return {text, ""};
  return {text.substr(0, at + 3), text.substr(at + 4)};
}

static Result<void> checkVersion(const LibraryName &name, uint32_t version) {
  if (version == CAMEO_ABI_VERSION)
    return {};
  return badInput(
      fmt::format("{}: expected ABI version {}, got {}", name.file, CAMEO_ABI_VERSION, version));
}

/// The bundle's model of the name.
static Result<const cameo_model *> modelOf(const cameo_bundle *bundle, const LibraryName &name) {
  TRY(checkVersion(name, bundle->abi_version));
  int32_t index = cameo_bundle_find(bundle, name.model.c_str());
  if (index >= 0)
    return cameo_bundle_model(bundle, index);
  std::vector<std::string> names;
  for (int32_t i = 0; i < cameo_bundle_count(bundle); ++i)
    names.emplace_back(cameo_bundle_model(bundle, i)->name);
  if (name.model.empty())
    return badInput(fmt::format("{0}: a bundle of {1}: expected the name of one of them, as in "
                                "{0}:{2}",
                                name.file, plural(std::ssize(names), "model"), names.front()));
  return badInput(fmt::format("{}: the bundle has no model '{}'{}", name.file, name.model,
                              didYouMean(name.model, names)));
}

Result<void> Library::findModel(const LibraryName &name) {
  void *bundle = ::dlsym(handle_, CAMEO_BUNDLE_SYMBOL);
  if (bundle) {
    model_ = TRY(modelOf(reinterpret_cast<const cameo_bundle *(*)()>(bundle)(), name));
    return {};
  }
  void *symbol = ::dlsym(handle_, CAMEO_MODEL_SYMBOL);
  if (!symbol)
    return badInput(fmt::format("{}: not a library made by cameo (it has no symbol '{}')",
                                name.file, CAMEO_MODEL_SYMBOL));
  if (!name.model.empty())
    return badInput(fmt::format("{}: a library of one model, not a bundle that has a model '{}'",
                                name.file, name.model));
  model_ = reinterpret_cast<const cameo_model *(*)()>(symbol)();
  return {};
}

Result<std::shared_ptr<Library>> Library::load(const std::string &text) {
  LibraryName name = LibraryName::of(text);
  const std::string &path = name.file;
  TRY(checkRegular(path));
  std::error_code ignored;
  if (std::string reason = foreignCode(path); !reason.empty())
    return badInput(fmt::format("{}: {}", path, reason));
  TRY(verifyFile(path)); // damaged code would do anything
  std::shared_ptr<Library> library(new Library());
  library->name_ = text;
  // Without a slash dlopen would look through the system's folders.
  std::string file = std::filesystem::absolute(path, ignored).string();
  library->handle_ = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library->handle_)
    return badInput(fmt::format("{}: cannot load: {}", path, ::dlerror()));
  TRY(library->findModel(name));
  const cameo_model &model = *library->model_;
  TRY(checkVersion(name, model.abi_version));
  for (int32_t i = 0; i < model.num_inputs; ++i)
    library->inputs_.push_back(portInfo(model, model.inputs[i]));
  for (int32_t i = 0; i < model.num_outputs; ++i)
    library->outputs_.push_back(portInfo(model, model.outputs[i]));
  return library;
}

Library::~Library() {
  if (handle_)
    ::dlclose(handle_);
}

Result<std::unique_ptr<Session>> Session::create(std::shared_ptr<Library> library,
                                                 const RunOptions &options) {
  std::unique_ptr<Session> session(new Session());
  std::array<char, 512> message = {};
  cameo_options apiOptions = cameo_default_options();
  apiOptions.threads = options.threads;
  apiOptions.seed = options.seed;
  apiOptions.max_seconds = options.seconds;
  apiOptions.message = message.data();
  apiOptions.message_size = static_cast<int64_t>(message.size());
  int32_t status = cameo_create(&library->model(), &apiOptions, &session->context_);
  if (status != CAMEO_OK)
    return badInput(
        fmt::format("{}: {}", library->name(),
                    message[0] ? message.data() : cameo_status_string(&library->model(), status)));
  session->library_ = std::move(library);
  return session;
}

Session::~Session() { cameo_destroy(context_); }

Result<std::vector<RuntimeValue>> Session::run(const std::vector<RuntimeValue> &inputs) {
  const cameo_model &model = library_->model();
  if (static_cast<int32_t>(inputs.size()) != model.num_inputs)
    return badInput(
        fmt::format("the model has {} inputs, got {}", model.num_inputs, inputs.size()));
  arguments_ = std::make_unique<Arguments>();
  arguments_->values = inputs;
  for (int32_t i = 0; i < model.num_inputs; ++i)
    arguments_->inputs.push_back(
        arguments_->toApi(arguments_->values[static_cast<size_t>(i)], model.inputs[i].kind));
  for (int32_t i = 0; i < model.num_outputs; ++i) {
    cameo_value output = {};
    output.kind = model.outputs[i].kind;
    arguments_->outputs.push_back(output);
  }
  TRY(rerun());
  std::vector<RuntimeValue> outputs;
  for (int32_t i = 0; i < model.num_outputs; ++i)
    outputs.push_back(TRY(output(i)));
  return outputs;
}

Result<RuntimeValue> Session::output(int32_t index) const {
  ICE_UNLESS(arguments_ != nullptr, "outputs before the first run");
  return fromApi(arguments_->outputs.at(static_cast<size_t>(index)),
                 library_->model().outputs[index].name);
}

Result<void> Session::rerun() {
  ICE_UNLESS(arguments_ != nullptr, "rerun without a run before it");
  int32_t status = cameo_run(context_, arguments_->inputs.data(), arguments_->outputs.data());
  if (status == CAMEO_OK)
    return {};
  std::string message = cameo_last_error(context_);
  if (message.empty())
    message = cameo_status_string(&library_->model(), status);
  return badInput(std::move(message));
}

} // namespace cameo
