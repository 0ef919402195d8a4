// See Bundle.h.
#include "codegen/Bundle.h"

#include "ir/Builder.h"
#include "ir/Printer.h"

#include <algorithm>
#include <array>
#include <llvm/Support/BLAKE3.h>
#include <set>

namespace cameo {
namespace {

void visit(Block &block, const std::function<void(Op &)> &action) {
  for (auto it = block.ops().begin(); it != block.ops().end();) {
    Op &op = **it++;
    for (int64_t i = 0; i < op.numRegions(); i++)
      visit(op.region(i), action);
    action(op);
  }
}

/// Moves the places of a program's weights from its functions to entries at the end of its table of
/// sizes.
class PlaceTable {
public:
  /// `places` are the new offsets of program.weights.
  PlaceTable(Program &program, const std::vector<int64_t> &places)
      : program_(program), places_(places), first_(program.numDims) {
    for (size_t i = 0; i < places.size(); i++)
      entries_[program.weights[i].offset] = first_ + static_cast<int64_t>(i);
    program.numDims += std::ssize(places);
  }

  void apply() {
    for (const std::unique_ptr<Func> &func : program_.module.funcs) {
      visit(func->body, [&](Op &op) {
        if (op.kind() == OpKind::FrameWeights)
          readPlace(op);
      });
      if (func->attrs.getString("kind") == "sizes")
        setPlaces(*func);
    }
    for (Site &site : program_.sites)
      for (std::vector<Place> *places : {&site.inputs, &site.outputs})
        for (Place &place : *places)
          if (!place.isAbsent && place.space == Buffer::Space::Weight)
            place.offset = {-1, entryOf(place.offset.constant)};
  }

private:
  int64_t entryOf(int64_t offset) const {
    auto entry = entries_.find(offset);
    ICE_UNLESS(entry != entries_.end(), "no weights begin at " + std::to_string(offset));
    return entry->second;
  }

  static AttrDict index(int64_t entry) {
    AttrDict attrs;
    attrs.set("index", entry);
    return attrs;
  }

  void readPlace(Op &weights) {
    Op *begin = weights.operand(0) ? weights.operand(0)->definingOp() : nullptr;
    ICE_UNLESS(begin && begin->kind() == OpKind::ScalarConst, "weights at a place of no number");
    Builder b(program_.module);
    b.before(&weights);
    AttrDict entry = index(entryOf(begin->attrs.getInt("value")));
    weights.setOperand(0,
                       b.create(OpKind::FrameDim, {}, {Type::index()}, std::move(entry))->result());
    if (!begin->hasUses())
      begin->erase();
  }

  void setPlaces(Func &sizes) {
    Builder b(program_.module);
    b.before(sizes.body.ops().front().get());
    for (size_t i = 0; i < places_.size(); i++) {
      AttrDict value;
      value.set("value", places_[i]);
      Value *place = b.create(OpKind::ScalarConst, {}, {Type::index()}, std::move(value))->result();
      b.create(OpKind::FrameSetDim, {place}, {}, index(first_ + static_cast<int64_t>(i)));
    }
  }

  Program &program_;
  const std::vector<int64_t> &places_;
  int64_t first_;
  std::map<int64_t, int64_t> entries_; // by the offset in the program
};

class Merger {
public:
  explicit Merger(std::vector<BundleModel> models) { bundle_.models = std::move(models); }
  Bundle merge();

private:
  std::vector<int64_t> shareWeights(const Program &program);
  void shareFunctions(BundleModel &model);
  const std::string &shareFunction(Module &module, const std::string &name);

  Bundle bundle_;
  std::map<std::string, int64_t> weights_;       // hash of the bytes to offset
  std::map<std::string, std::string> functions_; // text to name
  std::set<std::string> names_;
  std::map<std::string, std::string> shared_; // this model's functions: name there to name here
};

/// The places of a program's weights in the bundle.
std::vector<int64_t> Merger::shareWeights(const Program &program) {
  Program &shared = bundle_.shared;
  std::vector<int64_t> places;
  std::vector<std::byte> bytes;
  for (const WeightBlob &blob : program.weights) {
    bytes.assign(blob.size, std::byte{0});
    blob.maker.write(bytes, 0);
    llvm::BLAKE3 hash;
    hash.update(llvm::ArrayRef(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size()));
    std::array<uint8_t, 32> sum = hash.final();
    std::string key(sum.begin(), sum.end());
    auto [place, isNew] = weights_.try_emplace(std::move(key), shared.weightBytes);
    places.push_back(place->second);
    if (!isNew)
      continue;
    shared.weights.push_back({blob.name, shared.weightBytes, blob.size, blob.maker});
    shared.weightBytes += (blob.size + 63) / 64 * 64;
  }
  bundle_.weightBytesBefore += program.weightBytes;
  return places;
}

/// A function's name in the bundle's module; it goes there if none of equal text is there. Those it
/// calls go first, so that calls of equal functions are equal text.
const std::string &Merger::shareFunction(Module &module, const std::string &name) {
  auto [entry, isUnknown] = shared_.try_emplace(name);
  ICE_UNLESS(isUnknown || !entry->second.empty(), "function '" + name + "' calls itself");
  if (!isUnknown)
    return entry->second;
  Func *func = module.find(name);
  ICE_UNLESS(func, "call of unknown function '" + name + "'");
  visit(func->body, [&](Op &op) {
    if (op.kind() == OpKind::LoopCall || op.kind() == OpKind::TeamRun)
      op.attrs.set("callee", shareFunction(module, op.attrs.getString("callee")));
  });
  // The node that it was written for is told by profilers alone.
  std::string node = func->attrs.getString("node");
  func->attrs.erase("node");
  func->name.clear();
  auto [known, isNew] = functions_.try_emplace(printFunc(*func, {.locations = false}), name);
  if (isNew) {
    for (int64_t n = 2; !names_.insert(known->second).second; n++)
      known->second = name + "." + std::to_string(n);
    func->name = known->second;
    if (!node.empty())
      func->attrs.set("node", node);
    auto owner = std::find_if(module.funcs.begin(), module.funcs.end(),
                              [&](const auto &each) { return each.get() == func; });
    bundle_.shared.module.funcs.push_back(std::move(*owner));
    module.funcs.erase(owner);
  } else {
    func->name = name;
  }
  return shared_[name] = known->second;
}

void Merger::shareFunctions(BundleModel &model) {
  Module &module = model.program.module;
  std::map<std::string, std::string> kinds; // by name
  for (const std::unique_ptr<Func> &func : module.funcs)
    kinds[func->name] = func->attrs.getString("kind");
  bundle_.functionsBefore += std::ssize(kinds);
  shared_.clear();
  for (const auto &[name, kind] : kinds) {
    const std::string &here = shareFunction(module, name);
    if (kind == "main" || kind == "sizes" || kind == "workspace")
      model.entries[kind] = here;
  }
  module.funcs.clear();
}

Bundle Merger::merge() {
  std::sort(bundle_.models.begin(), bundle_.models.end(),
            [](const BundleModel &a, const BundleModel &b) { return a.name < b.name; });
  for (BundleModel &model : bundle_.models) {
    PlaceTable(model.program, shareWeights(model.program)).apply();
    shareFunctions(model);
    model.program.weights.clear();
  }
  for (BundleModel &model : bundle_.models)
    model.program.weightBytes = bundle_.shared.weightBytes;
  return std::move(bundle_);
}

} // namespace

Bundle mergeModels(std::vector<BundleModel> models) { return Merger(std::move(models)).merge(); }

} // namespace cameo
