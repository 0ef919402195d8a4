// Functions and fresh names of a module.
#include "ir/Module.h"

#include <algorithm>

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

bool isFreshSymbol(const std::string &name) { return name.find('.') != std::string::npos; }

std::string resultSizeName(const Func &func, int64_t result, int64_t axis) {
  std::string_view names;
  if (const Attr *attr = func.attrs.find(kResultSizes))
    if (const auto &texts = std::get<std::vector<std::string>>(*attr); result < std::ssize(texts))
      names = texts[result];
  for (int64_t i = 0; i < axis; i++)
    names.remove_prefix(std::min(names.find(','), names.size() - 1) + 1);
  std::string name(names.substr(0, names.find(',')));
  return name.empty() ? func.resultNames[result] + "_" + std::to_string(axis) : name;
}

std::string Module::freshSymbol(const std::string &prefix) {
  // The dot keeps them apart from names of ONNX dim_params, which the importer makes identifiers.
  return prefix + "." + std::to_string(nextSymbol_++);
}

} // namespace cameo
