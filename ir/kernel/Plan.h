// Plans of kernels that are loops over elements: how their work is cut, not what they compute. The
// pass plan-loops decides what an op leaves open, emitters only read. lowering/plan/Loops.h knows
// what fits an op, as that depends on its layouts.
#pragma once

#include "ir/kernel/Fields.h"

namespace cameo {

/// The most elements of a vector: 64 bytes of the smallest.
inline constexpr int64_t kMaxLanes = 64;

/// The most images of a thread that may go through kernels together.
inline constexpr int64_t kMostImages = 1024;

/// Vectors of so many elements: a power of two, or 0 in an op without a plan.
struct VectorPlan {
  int64_t lanes = 0;
  /// The kernel and neighbours that have the same go through a batch together, by so many images
  /// for each thread; 0: all images, kernel by kernel. The loop over dim 0 is then outside all
  /// others. Unlike the rest, this is decided for several kernels at once (plan-images), before
  /// they have a plan.
  int64_t images = 0;

  template <class Self, class Visit> static void fields(Self &self, Visit &&visit) {
    visit("lanes", self.lanes, int64_t{0});
    visit("images", self.images, int64_t{0});
  }
  Result<void> verify() const;
};

/// How a loop ends when its length is no multiple of its vectors'.
enum class Tail {
  Masked, // with a vector of which only some lanes are read and written
  Scalar, // element by element
};
template <> struct EnumWords<Tail> {
  static constexpr std::string_view words[] = {"masked", "scalar"};
};

/// A loop in vectors.
struct LoopPlan : VectorPlan {
  Tail tail = Tail::Masked;

  template <class Self, class Visit> static void fields(Self &self, Visit &&visit) {
    VectorPlan::fields(self, visit);
    visit("tail", self.tail, Tail::Masked);
  }
};

/// A nest of loops in the order of a result's memory, the innermost one in vectors.
struct NestPlan : LoopPlan {
  /// So many loops, the outermost first, make an iteration a unit each.
  int64_t unitLoops = 0;
  /// A unit has so many iterations of the innermost loop; 0: all of them.
  int64_t unitRun = 0;

  template <class Self, class Visit> static void fields(Self &self, Visit &&visit) {
    LoopPlan::fields(self, visit);
    visit("unit_loops", self.unitLoops, int64_t{0});
    visit("unit_run", self.unitRun, int64_t{0});
  }
  Result<void> verify() const;
};

/// What the op's plan says of images.
int64_t imagesOf(const Op &op);

/// A power of two, or 0, and no more than `most`.
Result<void> areLanes(int64_t lanes, int64_t most);

/// The rows of tiles that follow those of `rows` rows where these no longer fit, before single
/// rows: 2 or more, the largest first.
Result<void> areRestRows(const std::vector<int64_t> &restRows, int64_t rows);

} // namespace cameo
