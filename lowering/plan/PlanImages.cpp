// Decides which kernels go through a batch by images: a few images through all of a row of kernels
// before the next few. All images through one kernel after the other would be as many results
// between two kernels, which leave a cache, where those of a few images stay in it. What each turn
// costs instead are barriers, and that it reads the weights again; so turns have as many images as
// stay, and layers whose weights outweigh their images end such a row. The cache is L2, or L3 for
// rows that gain nothing from L2.
#include "ir/Target.h"
#include "ir/kernel/KernelSpec.h"
#include "lowering/Passes.h"
#include "lowering/build/ControlFlow.h"
#include "lowering/build/KernelSpan.h"
#include "lowering/plan/Packing.h"

#include <algorithm>
#include <optional>

namespace cameo {
namespace {

// What a batch is taken for whose size is a symbol.
constexpr int64_t kNominalBatch = 8;
// Weights of this part of the L2 cache stay in it from image to image.
constexpr int64_t kKeptPart = 16;
constexpr double kMost = 0.5; // of what one image keeps
// Where a byte that is kept stands beside more operations than this, reading it from the L3 cache,
// or from memory, would cost next to nothing.
constexpr double kMostOperations = 40, kMostOperationsOfMemory = 160;
// Images of less than this part of it are a layer's that is next to nothing.
constexpr int64_t kSmallPart = 64;
constexpr int64_t kMuchSmaller = 4;

/// What a kernel reads and writes.
struct Traffic {
  Dim images = Dim(1);
  int64_t imageBytes = 0, otherBytes = 0; // of an image; of what all images share
  double operations = 0;                  // of an image

  bool hasImages() const { return !(images == Dim(1)) && !(images == Dim(0)); }
};

bool mayGoByImages(const Op &op) {
  switch (op.kind()) {
  case OpKind::KernelConv:
  case OpKind::KernelPool:
  case OpKind::KernelPointwise:
  case OpKind::KernelCopy:
  case OpKind::KernelReduce:
  case OpKind::KernelFillHalo:
    return true;
  default:
    return false;
  }
}

/// Nothing where a size is not known, or has more bytes than any memory.
std::optional<int64_t> bytesOf(const Type &type, int64_t firstDim) {
  Dim bytes(dtypeBytes(type.dtype()));
  for (int64_t i = firstDim; i < type.rank(); i++)
    bytes = bytes * type.dim(i);
  return bytes.isConst() && bytes.value() < INT64_MAX / 4096 ? std::optional(bytes.value())
                                                             : std::nullopt;
}

/// The images are dim 0 of the kernel's result. A matrix has none: its rows share weights.
std::optional<Traffic> trafficOf(const Op &op) {
  if (!mayGoByImages(op) || op.numOperands() == 0)
    return std::nullopt;
  const Type &images = (op.numResults() > 0 ? op.result() : op.operand(0))->type;
  if (op.operand(0)->type.rank() < 3 || images.rank() < 2)
    return std::nullopt;
  Traffic traffic{images.dim(0)};
  if (!traffic.hasImages())
    return std::nullopt;
  if (op.kind() == OpKind::KernelFillHalo) // next to nothing of x
    return traffic;
  auto add = [&](const Value *value) {
    if (!value)
      return true;
    bool isBatch = value->type.rank() > 1 && value->type.dim(0) == traffic.images;
    std::optional<int64_t> bytes = bytesOf(value->type, isBatch);
    (isBatch ? traffic.imageBytes : traffic.otherBytes) += bytes.value_or(0);
    return bytes.has_value();
  };
  bool areKnown = std::all_of(op.operands().begin(), op.operands().end(), add);
  for (const std::unique_ptr<Value> &result : op.results())
    areKnown = areKnown && add(result.get());
  Dim operations = kernelSpec(op.kind())->flops(op);
  if (std::optional<Dim> ofImage = Dim::exactDiv(operations, traffic.images);
      ofImage && ofImage->isConst())
    traffic.operations = static_cast<double>(ofImage->value());
  return areKnown ? std::optional(traffic) : std::nullopt;
}

/// Kernels in a row that may go by images.
struct Row {
  std::vector<Op *> kernels;
  std::vector<Traffic> traffic;

  int64_t images() const {
    const Dim &images = traffic.front().images;
    return images.isConst() ? images.value() : kNominalBatch;
  }
};

/// Where images may stay, and how many operations for each byte make that worth nothing.
struct Cache {
  int64_t bytes;
  double mostOperations;
};

/// Cores with tile registers have 2 MiB of L2: counting on three quarters of it is fastest
/// (decision 035).
Cache nearCache(const Target &target) {
  return {target.hasTileRegisters ? target.l2Bytes * 3 / 2 : target.l2Bytes, kMostOperations};
}
Cache lastCache(const Target &target) { return {target.l3Bytes, kMostOperationsOfMemory}; }

bool takes(const Row &row, const Traffic &traffic, const Cache &cache) {
  bool areFew = traffic.otherBytes <= std::max(traffic.imageBytes, cache.bytes / kKeptPart);
  return areFew && (row.kernels.empty() || row.traffic[0].images == traffic.images);
}

/// How many images of a kernel the cache has room for, beside what they share.
int64_t imagesInCache(const Traffic &traffic, const Cache &cache) {
  return traffic.imageBytes == 0
             ? INT64_MAX
             : std::max<int64_t>(cache.bytes - traffic.otherBytes, 0) / traffic.imageBytes;
}

/// Whether images have become so small that more of them should go together from here on. Those of
/// layers that are next to nothing go with any others.
bool areSmaller(const Row &row, const Traffic &traffic, const Cache &cache) {
  auto roomFor = [&](const Traffic &of) {
    bool isSmall = of.imageBytes < cache.bytes / kSmallPart;
    return isSmall ? INT64_MAX : imagesInCache(of, cache);
  };
  int64_t least = INT64_MAX, now = roomFor(traffic);
  for (const Traffic &before : row.traffic)
    least = std::min(least, roomFor(before));
  return now < INT64_MAX && least < row.images() / 2 &&
         now / kMuchSmaller >= std::max<int64_t>(least, 1);
}

/// The bytes of an image that stay in the cache where so many go together, of kernels where not all
/// do.
double bytesKept(const Row &row, int64_t together, const Cache &cache) {
  double bytes = 0;
  for (const Traffic &traffic : row.traffic)
    if (int64_t room = imagesInCache(traffic, cache); together <= room && room < row.images())
      bytes += static_cast<double>(traffic.imageBytes);
  return bytes;
}

/// How many images of a thread go together: as many as keep most of what one keeps. 0: all, as the
/// cache keeps nothing, or everything.
int64_t imagesTogether(const Row &row, const Cache &cache) {
  auto hasMany = [](const Traffic &traffic) { return traffic.imageBytes > 0; };
  if (std::count_if(row.traffic.begin(), row.traffic.end(), hasMany) < 2)
    return 0;
  double most = bytesKept(row, 1, cache), operations = 0;
  for (const Traffic &traffic : row.traffic)
    operations += traffic.operations;
  int64_t together = most > 0 && operations <= cache.mostOperations * most ? 1 : 0;
  while (together > 0 && 4 * together <= row.images() &&
         bytesKept(row, 2 * together, cache) >= kMost * most)
    together *= 2;
  return together;
}

bool planBlock(Block &block, const Target &target) {
  bool changed = false;
  Cache near = nearCache(target), last = lastCache(target);
  Row row;
  auto end = [&] {
    int64_t together = imagesTogether(row, near);
    // As few as can be: what is kept is large, so that barriers cost little beside it.
    if (together == 0 && imagesTogether(row, last) > 0)
      together = 1;
    for (Op *kernel : row.kernels)
      if (together > 0 && imagesOf(*kernel) == 0) {
        kernel->attrs.set("images", together);
        changed = true;
      }
    row = {};
  };
  for (const std::unique_ptr<Op> &op : block.ops()) {
    if (isControlFlow(*op))
      for (int64_t i = 0; i < op->numRegions(); i++)
        changed |= planBlock(op->region(i), target);
    bool isWeight = op->kind() == OpKind::KernelPack && isConstantPack(*op);
    if (isWeight || (!hasLoops(*op) && !isBetweenTeams(*op)))
      continue;
    std::optional<Traffic> traffic = trafficOf(*op);
    bool isNext = traffic && takes(row, *traffic, near);
    if (!isNext || (!row.kernels.empty() && areSmaller(row, *traffic, near)))
      end();
    if (!traffic || !takes(row, *traffic, near))
      continue;
    row.kernels.push_back(op.get());
    row.traffic.push_back(*traffic);
  }
  end();
  return changed;
}

} // namespace

Result<bool> planImages(Module &module, PassContext &context) {
  return planBlock(module.main().body, context.target);
}

} // namespace cameo
