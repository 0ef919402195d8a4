// See LayerStudy.h.
#include "tools/LayerStudy.h"

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

const Value *userOf(const Value &value, OpKind kind) {
  for (const Op *user : value.users())
    if (user->kind() == kind && user->operand(0) == &value)
      return user->result();
  return nullptr;
}

/// What the model goes on with where it quantizes a value: tools leave a ReLU to the limits of the
/// integers, and call what is in front of them by the name of the ReLU's result.
const Value &dequantized(const Value &value) {
  const Value *quantized = userOf(value, OpKind::QuantizeLinear);
  const Value *result = quantized ? userOf(*quantized, OpKind::DequantizeLinear) : nullptr;
  return result ? *result : value;
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
    auto used = std::ranges::find(terminator->operands(), &dequantized(*value));
    const RuntimeValue &variant = got[static_cast<size_t>(used - terminator->operands().begin())];
    if (first != first_.end() && areAlike(first->second, variant))
      result.fromFirst = measureValues(first->second, variant, judgement);
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
