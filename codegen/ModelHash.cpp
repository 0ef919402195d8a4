// See ModelHash.h. Printed IR refers to large constants by their names, so their elements are
// added.
#include "codegen/ModelHash.h"

#include "ir/Printer.h"
#include "runtime/Checksum.h"
#include "support/Parallel.h"

namespace cameo {
namespace {

uint64_t hashOf(std::span<const std::byte> bytes) {
  cameo_checksum sum = {};
  cameo_checksum_add(&sum, reinterpret_cast<const uint8_t *>(bytes.data()),
                     static_cast<int64_t>(bytes.size()));
  return cameo_checksum_end(&sum);
}

/// Adds the constants of a block, in order.
void addConstants(Block &block, std::vector<ConstRef> &constants) {
  for (const std::unique_ptr<Op> &op : block.ops()) {
    for (const auto &[name, value] : op->attrs)
      if (const auto *constant = std::get_if<ConstRef>(&value); constant && *constant)
        constants.push_back(*constant);
    for (int64_t i = 0; i < op->numRegions(); i++)
      addConstants(op->region(i), constants);
  }
}

/// What tells a constant apart. Megabytes take milliseconds, so that threads do this.
std::string textOf(const ConstRef &constant) {
  std::string text = std::to_string(hashOf(constant->bytes)) + "\n";
  for (const std::string &element : constant->strings)
    text += std::to_string(element.size()) + " " + element;
  return text;
}

} // namespace

uint64_t modelHash(const Module &module) {
  std::vector<ConstRef> constants;
  for (const std::unique_ptr<Func> &func : module.funcs)
    addConstants(func->body, constants);
  std::vector<std::string> texts(constants.size());
  Result<void> done = inParallel(std::ssize(constants), [&](int64_t i) -> Result<void> {
    texts[i] = textOf(constants[i]);
    return {};
  });
  ICE_UNLESS(bool(done), "a hash failed");
  std::string text = print(module);
  for (const std::string &one : texts)
    text += one;
  return hashOf(std::as_bytes(std::span(text)));
}

uint64_t bundleHash(const std::vector<BundleModel> &models) {
  std::string text;
  for (const BundleModel &model : models)
    text += std::to_string(model.hash) + " " + model.name + "\n";
  return hashOf(std::as_bytes(std::span(text)));
}

} // namespace cameo
