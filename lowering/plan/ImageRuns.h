// Kernels in a row that go through a batch by images, as their plans ask for (`images`): in turns
// of so many images for each thread, each turn through all kernels. What such a run alone touches
// is written and read again within a turn. So each turn has the places of the first images there,
// which stay in the caches.
//
// A run is what plans ask for and units allow: each kernel has the images as the outermost axis of
// its units, and reads of what another one writes only its own image. Plans may be written by hand;
// what does not fit ends a run, and computes the same.
#pragma once

#include "ir/Module.h"

#include <map>
#include <set>
#include <vector>

namespace cameo {

struct ImageRun {
  Dim images;
  int64_t together = 1;      // images of a thread in a turn
  std::vector<Op *> kernels; // two at least
  /// Of each buffer that kernels go through by image, the elements from one image to the next.
  std::map<int64_t, int64_t> strides;
  /// Those of them that nothing outside the run touches.
  std::set<int64_t> own;
};

/// All runs of a function whose ops have plans, by their first kernels.
std::map<const Op *, ImageRun> imageRunsOf(Func &func);

} // namespace cameo
