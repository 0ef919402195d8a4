// See LayerStudy.h.
#include "tools/LayerStudy.h"

#include "ir/OpSpec.h"
#include "tools/Command.h"
#include "tools/Reference.h"

#include <algorithm>

namespace cameo {

namespace {

/// Whether two values can be told how far they are from each other.
bool areAlike(const RuntimeValue &a, const RuntimeValue &b) {
  return a.isTensor() && b.isTensor() && isFloat(a.tensor().dtype) &&
         a.tensor().dtype == b.tensor().dtype && a.tensor().dims == b.tensor().dims;
}

} // namespace

Result<std::vector<LayerResult>> LayerStudy::compare(const CompileRequest &request,
                                                     const std::string &library,
                                                     const std::vector<RuntimeValue> &inputs) {
  std::shared_ptr<Module> module = TRY(readModel(request.model, request.sizes));
  std::vector<Tap> taps = addTaps(module->main());
  std::unique_ptr<Engine> compiled = TRY(makeLibraryEngine(TRY(Library::load(library)), run_));
  std::unique_ptr<Engine> interpreter = makeReferenceEngine(module, run_);
  ComparedPorts compared{interpreter->outputs(), interpreter->outputs().size() - taps.size()};
  std::unique_ptr<Reference> reference =
      reference_ == "onnxruntime" ? makeOnnxRuntimeReference(request.model, run_.threads, compared)
                                  : makeInterpreterReference(std::move(interpreter));
  TRY(reference->take({inputs}));
  Expected want = TRY(reference->expected(0));
  std::vector<RuntimeValue> got = TRY(compiled->run(inputs));
  const Op *terminator = module->main().body.terminator();
  std::vector<LayerResult> results;
  for (size_t i = 0; i < compared.ports.size(); ++i) {
    const Value *value = terminator->operand(static_cast<int64_t>(i));
    LayerResult result = {.value = compared.ports[i].name,
                          .node = i < compared.own ? "" : taps[i - compared.own].node,
                          .op = i < compared.own ? "output" : taps[i - compared.own].op,
                          .fromReference = {},
                          .fromFirst = {}};
    Judgement judgement = judgementOf(*value, Judgement().atol);
    if (want[i] && areAlike(*want[i], got[i]))
      result.fromReference = measureValues(*want[i], got[i], judgement);
    auto first = first_.find(result.value);
    if (first != first_.end() && areAlike(first->second, got[i]))
      result.fromFirst = measureValues(first->second, got[i], judgement);
    if (isFirst_ && want[i])
      first_.emplace(result.value, *want[i]);
    results.push_back(std::move(result));
  }
  isFirst_ = false;
  // The model's outputs are what is computed last.
  std::ranges::rotate(results, results.begin() + static_cast<std::ptrdiff_t>(compared.own));
  return results;
}

int LayerStudy::add(CompileRequest request, const std::vector<RuntimeValue> &inputs,
                    std::vector<LayerResult> &results) {
  Result<std::unique_ptr<TemporaryFolder>> folder = TemporaryFolder::create();
  if (!folder)
    return reportError(folder.error());
  request.taps = true;
  std::string library;
  if (int status = compileTemporary(request, **folder, library); status != Fine)
    return status;
  Result<std::vector<LayerResult>> found = compare(request, library, inputs);
  if (!found)
    return reportError(inFile(request.model, found.error()));
  results = std::move(*found);
  return Fine;
}

} // namespace cameo
