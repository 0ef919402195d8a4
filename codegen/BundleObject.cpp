// See BundleObject.h.
#include "codegen/BundleObject.h"

#include "codegen/ConstantBuilder.h"
#include "runtime/include/cameo_bundle.h"

#include <tuple>

namespace cameo {
namespace {

class BundleEmitter : ConstantBuilder {
public:
  BundleEmitter(const Bundle &bundle, const Target &target, const EmittedFuncs &funcs,
                const LibraryIdentity &options, llvm::Module &module)
      : ConstantBuilder(module), bundle_(bundle), target_(target), funcs_(funcs),
        options_(options) {}

  llvm::Constant *bundle();

private:
  Constants models();
  Constants properties();

  const Bundle &bundle_;
  const Target &target_;
  const EmittedFuncs &funcs_;
  const LibraryIdentity &options_;
};

ConstantBuilder::Constants BundleEmitter::models() {
  Constants objects;
  for (const BundleModel &model : bundle_.models) {
    EmittedFuncs own;
    for (const auto &[kind, name] : model.entries)
      own[name] = funcs_.at(name);
    LibraryIdentity options = options_;
    options.name = model.name;
    objects.push_back(emitModelObject(model.program, target_, own, options, module_));
  }
  return objects;
}

ConstantBuilder::Constants BundleEmitter::properties() {
  std::vector<std::tuple<std::string, std::string, int64_t>> all;
  for (size_t i = 0; i < bundle_.models.size(); i++)
    for (const auto &[key, value] : bundle_.models[i].program.metadata)
      if (key.starts_with(kOwnProperty))
        all.emplace_back(key.substr(kOwnProperty.size()), value, i);
  std::sort(all.begin(), all.end());
  Constants rows;
  for (const auto &[key, value, model] : all)
    rows.push_back(
        structOf<cameo_bundle_property>({MEMBER(cameo_bundle_property, key, text(key)),
                                         MEMBER(cameo_bundle_property, value, text(value)),
                                         MEMBER(cameo_bundle_property, model, small(model)),
                                         MEMBER(cameo_bundle_property, reserved, small(0))}));
  return rows;
}

llvm::Constant *BundleEmitter::bundle() {
  Constants rows = properties();
  llvm::Type *row = rows.empty() ? b_.getInt8Ty() : rows.front()->getType();
  int64_t numProperties = std::ssize(rows);
  std::vector<Member> members = {
      MEMBER(cameo_bundle, abi_version, small(CAMEO_ABI_VERSION)),
      MEMBER(cameo_bundle, name, text(options_.name)),
      MEMBER(cameo_bundle, models, array(b_.getPtrTy(), models(), "models")),
      MEMBER(cameo_bundle, properties, array(row, rows, "properties")),
      MEMBER(cameo_bundle, num_models, small(std::ssize(bundle_.models))),
      MEMBER(cameo_bundle, num_properties, small(numProperties))};
  return global(sizedStructOf<cameo_bundle>(members, offsetof(cameo_bundle, struct_size)),
                "bundle");
}

} // namespace

void emitBundleObject(const Bundle &bundle, const Target &target, const EmittedFuncs &funcs,
                      const LibraryIdentity &options, llvm::Module &module) {
  llvm::Constant *object = BundleEmitter(bundle, target, funcs, options, module).bundle();
  emitEntry(module, options.name, options.bound, object, CAMEO_BUNDLE_SYMBOL);
}

} // namespace cameo
