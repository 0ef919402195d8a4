// Functions and fresh names of a module.
#include "ir/Module.h"

namespace cameo {

Func *Module::addFunc(std::string funcName) {
  return funcs.emplace_back(std::make_unique<Func>(std::move(funcName))).get();
}

Func *Module::find(const std::string &funcName) const {
  for (const std::unique_ptr<Func> &func : funcs)
    if (func->name == funcName)
      return func.get();
  return nullptr;
}

std::string Module::freshSymbol(const std::string &prefix) {
  // The dot keeps them apart from names of ONNX dim_params, which the importer makes identifiers.
  return prefix + "." + std::to_string(nextSymbol_++);
}

} // namespace cameo
