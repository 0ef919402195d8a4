// What a program does to a picture before it runs a model, as operators of the graph in front of
// the model's input: the library then takes the bytes of a camera or decoder (`--preprocess`).
#pragma once

#include "ir/Module.h"
#include "ir/Result.h"

#include <string>

namespace cameo {

/// Replaces an input of floats [batch, channels, height, width] by one of bytes. `text` is
/// `INPUT=u8hwc` or `INPUT=u8chw` (where the channels are), followed by any of these, with commas
/// between:
///   size=480x640      height and width of the picture; with `resize` they may stay open
///   resize=224x320    to these, bilinear, with centres of pixels as OpenCV has them; 224 is
///   224x224,
///                     and with `crop` the shorter side
///   antialias         a smaller picture is an average, as Pillow has it
///   crop=224          the middle of that
///   bgr               the picture has its channels in the other order than the model
///   scale=0.5         a byte times this is what mean and std are about; 1/255 when not given
///   mean=0.5,0.4,0.3  subtracted, one for each channel or for all
///   std=0.2           divided by, the same
/// Errors: BadInput for a text or a model that this does not fit.
Result<void> bakePreprocessing(Module &module, const std::string &text);

} // namespace cameo
