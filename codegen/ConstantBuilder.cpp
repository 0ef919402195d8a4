// See ConstantBuilder.h.
#include "codegen/ConstantBuilder.h"

#include <llvm/TargetParser/Triple.h>

namespace cameo {

llvm::Constant *ConstantBuilder::global(llvm::Constant *value, const char *name) {
  return new llvm::GlobalVariable(module_, value->getType(), /*isConstant=*/true,
                                  llvm::GlobalValue::InternalLinkage, value, name);
}

void ConstantBuilder::checkLayout(llvm::Constant *made, const std::vector<Member> &members,
                                  size_t size) {
  const llvm::DataLayout &data = module_.getDataLayout();
  if (data.getPointerSize() != sizeof(void *))
    return;
  const llvm::StructLayout &layout =
      *data.getStructLayout(llvm::cast<llvm::StructType>(made->getType()));
  ICE_UNLESS(layout.getSizeInBytes() == size, "a struct of the runtime has other members");
  for (size_t i = 0; i < members.size(); i++)
    ICE_UNLESS(layout.getElementOffset(i) == members[i].offset,
               "a struct of the runtime has other members");
}

llvm::Constant *ConstantBuilder::array(llvm::Type *element, const Constants &values,
                                       const char *name) {
  if (values.empty())
    return null();
  return global(llvm::ConstantArray::get(llvm::ArrayType::get(element, values.size()), values),
                name);
}

llvm::Constant *ConstantBuilder::numbers(const std::vector<int64_t> &values, const char *name) {
  Constants rows;
  for (int64_t value : values)
    rows.push_back(small(value));
  return array(b_.getInt32Ty(), rows, name);
}

llvm::Constant *ConstantBuilder::runtimeVariable(const char *name, llvm::Type *type) {
  return module_.getOrInsertGlobal(name, type, [&] {
    return new llvm::GlobalVariable(module_, type, /*isConstant=*/true,
                                    llvm::GlobalValue::ExternalLinkage, nullptr, name);
  });
}

void emitEntry(llvm::Module &module, const std::string &name, const std::string &bound,
               llvm::Constant *result, const char *wasmExport) {
  // Functions inside go by any name.
  if (llvm::GlobalValue *inner = module.getNamedValue(name); inner && !inner->isDeclaration())
    inner->setName("");
  llvm::IRBuilder<> b(module.getContext());
  auto *type = llvm::FunctionType::get(b.getPtrTy(), false);
  auto *entry = llvm::Function::Create(type, llvm::GlobalValue::ExternalLinkage, name, module);
  ICE_UNLESS(entry->getName() == llvm::StringRef(name), "the model's name is taken");
  entry->setDoesNotThrow();
  b.SetInsertPoint(llvm::BasicBlock::Create(module.getContext(), "", entry));
  b.CreateRet(result);
  if (llvm::Triple(module.getTargetTriple()).isWasm())
    entry->addFnAttr("wasm-export-name", wasmExport);
  else
    llvm::GlobalAlias::create(bound, entry);
}

} // namespace cameo
