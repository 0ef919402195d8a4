// See Outputs.h.
#include "tools/Outputs.h"

#include "bench/Npy.h"

#include <fmt/format.h>

namespace cameo {

namespace {

using Arrays = std::vector<std::pair<std::string, Tensor>>;

/// The items of a sequence, each called by its position behind `prefix`.
Result<void> addItems(Arrays &arrays, const std::string &prefix, const RuntimeValue &value) {
  if (!value.isSequence())
    return {};
  const std::vector<RuntimeValue> &items = value.sequence().items;
  for (size_t i = 0; i < items.size(); ++i) {
    if (!items[i].isTensor())
      return unsupported("nested sequences are written with --data only");
    arrays.emplace_back(prefix + std::to_string(i), items[i].tensor());
  }
  return {};
}

} // namespace

std::string fileSafe(const std::string &name) {
  std::string safe;
  for (char c : name.substr(0, 100)) {
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                 c == '-' || c == '.' || c == '_';
    safe += plain ? c : '_';
  }
  return safe;
}

Result<void> writeArrays(const std::string &stem, const RuntimeValue &value) {
  if (value.isTensor())
    return writeNpy(stem + ".npy", value.tensor());
  Arrays items;
  TRY(addItems(items, "", value));
  return writeNpz(stem + ".npz", items);
}

Result<void> writeArchive(const std::string &path,
                          const std::vector<std::pair<std::string, RuntimeValue>> &values) {
  Arrays arrays;
  for (const auto &[name, value] : values) {
    if (value.isTensor())
      arrays.emplace_back(name, value.tensor());
    else
      TRY(addItems(arrays, name + ".", value));
  }
  return writeNpz(path, arrays);
}

} // namespace cameo
