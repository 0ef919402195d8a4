// See UnifySizes.h. Requirements become equations of one symbol each; what one of them settles may
// make another one solvable, hence the rounds.
#include "ir/infer/UnifySizes.h"

#include "ir/OpSpec.h"
#include "ir/infer/Requirement.h"

#include <set>

namespace cameo {
namespace {

using Sizes = std::map<std::string, Dim>;

/// The symbol and its value in `coefficient * symbol + constant = 0`; nothing if the sum has
/// another form or no natural number solves it.
std::optional<std::pair<std::string, int64_t>> solve(const Dim &sum) {
  if (!sum.expr() || sum.expr()->terms.size() > 2)
    return std::nullopt;
  int64_t constant = 0, coefficient = 0;
  std::string symbol;
  for (const DimTerm &term : sum.expr()->terms) {
    if (term.atoms.empty())
      constant = term.coefficient;
    else if (term.atoms.size() == 1 && term.atoms[0].kind == DimAtom::Symbol && symbol.empty())
      symbol = term.atoms[0].name, coefficient = term.coefficient;
    else
      return std::nullopt;
  }
  Dim value = Dim(0) - Dim(constant);
  if (symbol.empty() || value.isOverflow() || !Dim::exactDiv(value, Dim(coefficient)))
    return std::nullopt;
  value = *Dim::exactDiv(value, Dim(coefficient));
  return value.value() >= 0 ? std::optional(std::pair(symbol, value.value())) : std::nullopt;
}

Dims substituted(Dims dims, const Sizes &sizes) {
  for (Dim &dim : dims)
    dim = dim.substitute([&](const std::string &name) -> std::optional<Dim> {
      auto found = sizes.find(name);
      return found == sizes.end() ? std::nullopt : std::optional(found->second);
    });
  return dims;
}

void substitute(Value &value, const Sizes &sizes) {
  if (value.type.isRanked())
    value.type = value.type.withShape(substituted(value.type.shape(), sizes));
  if (value.known)
    value.known = substituted(*value.known, sizes);
}

void substitute(Block &block, const Sizes &sizes) {
  for (const std::unique_ptr<Value> &arg : block.args())
    substitute(*arg, sizes);
  for (const std::unique_ptr<Op> &op : block.ops()) {
    for (const std::unique_ptr<Value> &result : op->results())
      substitute(*result, sizes);
    for (int64_t i = 0; i < op->numRegions(); i++)
      substitute(op->region(i), sizes);
  }
}

/// What the ops of the body itself settle: those in branches and loops may never run.
Result<Sizes> settled(Func &func) {
  std::vector<std::string> bound = boundSymbols(func);
  std::set<std::string> open(bound.begin(), bound.end());
  Sizes sizes;
  if (open.empty())
    return sizes;
  for (const std::unique_ptr<Op> &op : func.body.ops()) {
    if (spec(op->kind()).level != Level::Graph)
      continue;
    for (const Requirement &requirement : TRY(requirementsOf(*op))) {
      if (requirement.relation != Relation::Equal)
        continue;
      auto solution = solve(requirement.a - requirement.b);
      // Of two values the first stays; then the other op's inference refuses it by name.
      if (solution && open.contains(solution->first))
        sizes.try_emplace(solution->first, Dim(solution->second));
    }
  }
  return sizes;
}

} // namespace

std::vector<std::string> boundSymbols(Func &func) {
  std::vector<std::string> symbols;
  std::set<std::string> seen;
  for (const std::unique_ptr<Value> &arg : func.body.args())
    for (const Dim &dim : arg->type.shape())
      if (std::optional<std::string> name = dim.symbolName(); name && seen.insert(*name).second)
        symbols.push_back(*name);
  return symbols;
}

Result<void> unifySizes(Module &module) {
  for (Sizes sizes = TRY(settled(module.main())); !sizes.empty();
       sizes = TRY(settled(module.main())))
    substitute(module.main().body, sizes);
  return {};
}

} // namespace cameo
