// The constant that a bundle is to the outside: cameo_bundle (runtime/include/cameo_bundle.h) and
// the models it points to.
#pragma once

#include "codegen/Bundle.h"
#include "codegen/ModelObject.h"

namespace cameo {

/// Emits the models' objects, the bundle's and its entry function. `funcs` are those of
/// bundle.shared; `options` names the bundle and its weights.
void emitBundleObject(const Bundle &bundle, const Target &target, const EmittedFuncs &funcs,
                      const LibraryIdentity &options, llvm::Module &module);

} // namespace cameo
