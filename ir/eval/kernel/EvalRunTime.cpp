// What the calling thread does between kernels: checks of sizes, and sizes that only the run knows.
#include "ir/eval/kernel/KernelRegion.h"

#include "ir/kernel/RunTime.h"

#include <fmt/format.h>

namespace cameo::eval {

static bool holds(Relation relation, int64_t a, int64_t b) {
  switch (relation) {
  case Relation::Equal:
    return a == b;
  case Relation::Broadcast:
    return a == b || a == 1 || b == 1;
  case Relation::BroadcastTo:
    return a == b || a == 1;
  case Relation::Multiple:
    return b != 0 && a % b == 0;
  case Relation::AtMost:
    return a <= b;
  }
  ICE("a relation without a meaning");
}

void evalKernelGuard(KernelContext &c) {
  GuardAttrs guard = attrsOf<GuardAttrs>(c.op);
  std::optional<int64_t> a = c.evaluate(guard.sizes[0]), b = c.evaluate(guard.sizes[1]);
  // A size that no longer exists was that of something dead.
  if (a && b && !holds(guard.relation, *a, *b))
    c.report(guard.text, a, b);
}

void evalKernelSizes(KernelContext &c) {
  std::vector<std::string> symbols = attrsOf<SizesAttrs>(c.op).symbols;
  KernelRegion region(c, 0);
  region.run();
  std::vector<int64_t> values;
  for (size_t i = 0; i < symbols.size(); i++)
    values.push_back(region.yielded<int64_t>(static_cast<int64_t>(i)));
  c.define(symbols, values);
}

void evalKernelCall(KernelContext &c) {
  c.fault = unsupported(
      fmt::format("functions in C ('{}') are not interpreted", attrsOf<CallAttrs>(c.op).callee));
}

} // namespace cameo::eval
