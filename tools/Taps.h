// Looking at a model's outputs and inner values for a comparison: how each is to be judged, and
// making inner values outputs.
#pragma once

#include "bench/Deviation.h"
#include "ir/Module.h"

namespace cameo {

/// An intermediate value made an output.
struct Tap {
  std::string node, op;
};

/// Appends every tensor that an op of the function's own block makes (not those inside branches and
/// loops, nor constants) to the outputs, in order of execution. Gives one entry an appended output.
std::vector<Tap> addTaps(Func &main);

/// How an output is judged, from the op that makes it: in quantization steps where it is quantized
/// or dequantized by a constant scale.
Judgement judgementOf(const Value &output, double atol);

/// Measures values of any kind; a sequence is as good as its worst item.
Deviation measureValues(const RuntimeValue &want, const RuntimeValue &got,
                        const Judgement &judgement);

} // namespace cameo
