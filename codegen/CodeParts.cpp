// See CodeParts.h.
#include "codegen/CodeParts.h"

#include <algorithm>
#include <numeric>

namespace cameo {
namespace {

/// Less than this is not worth a target machine and a pipeline of passes of its own.
constexpr int64_t kLeastOps = 1000;

} // namespace

std::vector<CodePart> divideCode(const Module &module, int64_t most) {
  std::vector<int64_t> ops;
  for (const std::unique_ptr<Func> &func : module.funcs)
    ops.push_back(func->body.countOps());
  int64_t total = std::accumulate(ops.begin(), ops.end(), int64_t{0});
  int64_t count = std::clamp<int64_t>(total / kLeastOps, 1, most);
  std::vector<CodePart> parts(count);
  int64_t before = 0;
  for (size_t i = 0; i < ops.size(); i++) {
    // The part in which the middle of the function, which has ops, is were all ops in a row.
    int64_t part = (2 * before + ops[i]) * count / (2 * total);
    parts[part].funcs.push_back(module.funcs[i].get());
    before += ops[i];
  }
  std::erase_if(parts, [](const CodePart &part) { return part.funcs.empty(); });
  if (parts.empty())
    parts.resize(1);
  for (CodePart &part : parts) {
    part.isWhole = parts.size() == 1;
    part.hasModel = &part == &parts.front();
  }
  return parts;
}

} // namespace cameo
