// See ImageRuns.h.
#include "lowering/plan/ImageRuns.h"

#include "ir/kernel/KernelSpec.h"
#include "ir/kernel/Plan.h"
#include "lowering/build/ControlFlow.h"
#include "lowering/build/KernelSpan.h"
#include "lowering/build/Shapes.h"
#include "lowering/plan/KernelUnits.h"
#include "lowering/plan/Packing.h"

#include <algorithm>
#include <optional>

namespace cameo {
namespace {

/// A buffer that is touched image by image: which image of it comes first, and how far images are
/// apart, in elements.
struct ImagesOf {
  int64_t first, stride;
  bool operator==(const ImagesOf &) const = default;
};

/// What a kernel that can be part of a run touches, constants left out. What it writes is by image.
struct Member {
  Dim images;
  int64_t together;                    // of a thread
  std::map<int64_t, ImagesOf> byImage; // by the buffer
  std::set<int64_t> whole;             // buffers that it reads without regard to images
};

/// Kernels that compute an element from its index know the images' numbers.
bool knowsIndices(const Op &op) { return op.kind() == OpKind::KernelGenerate; }

/// The axis of the images: the outermost one of which there are several cells.
std::optional<int64_t> imageAxis(const Units &grid) {
  for (size_t i = 0; i < grid.axes().size(); i++) {
    const UnitAxis &axis = grid.axes()[i];
    if (axis.cells() == Dim(1))
      continue;
    bool isOne = axis.run == 1 && axis.tiles.count == 0;
    return isOne ? std::optional(static_cast<int64_t>(i)) : std::nullopt;
  }
  return std::nullopt;
}

/// The stride of the one axis along which a tensor goes with the images; nothing where there is
/// none, or the images are not all that its steps are.
std::optional<int64_t> imageStride(const Touched &touched, int64_t axis, const Dim &images) {
  const TouchedAxis *found = nullptr;
  for (const TouchedAxis &steps : touched.axes) {
    if (steps.axis == TouchedAxis::kUnit || (steps.axis == axis && found))
      return std::nullopt;
    if (steps.axis == axis)
      found = &steps;
  }
  bool isPlain = found && found->extent == images && found->scale == 1 && found->divisor == 1 &&
                 found->modulus == INT64_MAX && found->stride.isConst();
  return isPlain && found->stride.value() > 0 ? std::optional(found->stride.value()) : std::nullopt;
}

/// The units of a kernel. A halo is as much of an image as what it surrounds.
KernelUnits touchedBy(const Op &op) {
  KernelUnits units = unitsOf(op);
  if (op.kind() != OpKind::KernelFillHalo)
    return units;
  const Value &x = *op.operand(0);
  bool areLines = units.grid.axes().size() == 2; // of images
  units.writes = {{&x, {{x.type.dim(0), x.layout->strides[0], areLines ? 0 : TouchedAxis::kAll}}}};
  for (int64_t i = 1; i < op.numOperands(); i++)
    units.reads.push_back({op.operand(i), {}});
  return units;
}

class RunFinder {
public:
  explicit RunFinder(Func &func) : func_(func) {
    for (const std::string &symbol : boundSymbols(func))
      bound_.insert(symbol);
    for (Op *op : opsOf(func))
      count(*op);
    visit(func.body);
  }

  std::map<const Op *, ImageRun> runs;

private:
  bool isConstant(const Value &value) const {
    return func_.buffers[value.layout->buffer].space == Buffer::Space::Weight;
  }

  /// The buffers of what an op touches, each as often as it does.
  std::vector<int64_t> buffersOf(const Op &op) const {
    std::vector<int64_t> buffers;
    auto add = [&](const Value *value) {
      if (value && value->layout)
        buffers.push_back(value->layout->buffer);
    };
    for (const Value *operand : op.operands())
      add(operand);
    for (const std::unique_ptr<Value> &result : op.results())
      add(result.get());
    return buffers;
  }

  void count(const Op &op) {
    bool isRead = hasLoops(op) || isBetweenTeams(op) || op.kind() == OpKind::LoopYield ||
                  op.kind() == OpKind::LoopReturn;
    if (!isRead)
      return;
    for (int64_t buffer : buffersOf(op))
      touches_[buffer]++;
    for (int64_t i = 0; isControlFlow(op) && i < op.numRegions(); i++)
      for (const std::unique_ptr<Value> &argument : op.region(i).args())
        if (argument->layout)
          touches_[argument->layout->buffer]++;
  }

  std::optional<Member> memberOf(const Op &op) const;
  bool addTouched(const Touched &touched, int64_t axis, bool isWritten, Member &member) const;
  bool takes(const Member &member) const;
  void add(Op &op, const Member &member);
  void end();
  void visit(Block &block);

  Func &func_;
  std::set<std::string> bound_;
  std::map<int64_t, int64_t> touches_; // how often ops touch each buffer
  // The run that is being found.
  ImageRun run_;
  std::map<int64_t, int64_t> first_; // where the images of a buffer begin
  std::set<int64_t> whole_;
};

/// Whether a kernel with this tensor can be part of a run.
bool RunFinder::addTouched(const Touched &touched, int64_t axis, bool isWritten,
                           Member &member) const {
  const Layout &layout = *touched.tensor->layout;
  if (isConstant(*touched.tensor))
    return true;
  std::optional<int64_t> stride = imageStride(touched, axis, member.images);
  if (!stride || !layout.offset.isConst()) {
    member.whole.insert(layout.buffer);
    return !isWritten;
  }
  // Two views of a buffer may have the same images only.
  ImagesOf images{layout.offset.value() / *stride, *stride};
  return member.byImage.try_emplace(layout.buffer, images).first->second == images;
}

std::optional<Member> RunFinder::memberOf(const Op &op) const {
  if (imagesOf(op) == 0 || knowsIndices(op))
    return std::nullopt;
  KernelUnits units = touchedBy(op);
  std::optional<int64_t> axis = imageAxis(units.grid);
  if (!axis)
    return std::nullopt;
  Member member{units.grid.axes()[*axis].extent, imagesOf(op), {}, {}};
  std::optional<std::string> symbol = member.images.symbolName();
  bool isKnown = member.images.isConst() || (symbol && bound_.count(*symbol));
  bool fits = isKnown && Dim::exactDiv(units.grid.count(), member.images).has_value();
  for (const Touched &touched : units.reads)
    fits = fits && addTouched(touched, *axis, false, member);
  for (const Touched &touched : units.writes)
    fits = fits && addTouched(touched, *axis, true, member);
  return fits ? std::optional(member) : std::nullopt;
}

bool RunFinder::takes(const Member &member) const {
  bool isSame = run_.images == member.images && run_.together == member.together;
  if (!run_.kernels.empty() && !isSame)
    return false;
  auto isByImage = [&](int64_t buffer) {
    return run_.strides.count(buffer) > 0 || member.byImage.count(buffer) > 0;
  };
  auto fits = [&](const auto &entry) {
    const auto &[buffer, images] = entry;
    auto before = first_.find(buffer);
    return whole_.count(buffer) == 0 &&
           (before == first_.end() || images == ImagesOf{before->second, run_.strides.at(buffer)});
  };
  return std::none_of(member.whole.begin(), member.whole.end(), isByImage) &&
         std::all_of(member.byImage.begin(), member.byImage.end(), fits);
}

void RunFinder::add(Op &op, const Member &member) {
  run_.images = member.images;
  run_.together = member.together;
  run_.kernels.push_back(&op);
  for (const auto &[buffer, images] : member.byImage) {
    run_.strides[buffer] = images.stride;
    first_[buffer] = images.first;
  }
  whole_.insert(member.whole.begin(), member.whole.end());
}

void RunFinder::end() {
  std::map<int64_t, int64_t> inside;
  for (const Op *op : run_.kernels)
    for (int64_t buffer : buffersOf(*op))
      inside[buffer]++;
  for (const auto &[id, stride] : run_.strides) {
    const Buffer &buffer = func_.buffers[id];
    std::optional<Dim> ofImage = Dim::exactDiv(buffer.size, run_.images);
    if (buffer.space == Buffer::Space::Arena && inside[id] == touches_[id] && ofImage &&
        ofImage->isConst())
      run_.own.insert(id);
  }
  if (run_.kernels.size() > 1)
    runs.emplace(run_.kernels.front(), std::move(run_));
  run_ = {};
  first_.clear(), whole_.clear();
}

void RunFinder::visit(Block &block) {
  for (const std::unique_ptr<Op> &op : block.ops()) {
    if (isBetweenTeams(*op))
      end();
    for (int64_t i = 0; isControlFlow(*op) && i < op->numRegions(); i++)
      visit(op->region(i));
    if (!hasLoops(*op) || (op->kind() == OpKind::KernelPack && isConstantPack(*op)))
      continue;
    std::optional<Member> member = memberOf(*op);
    if (!member || !takes(*member))
      end();
    if (member && takes(*member))
      add(*op, *member);
  }
  end();
}

} // namespace

std::map<const Op *, ImageRun> imageRunsOf(Func &func) { return RunFinder(func).runs; }

} // namespace cameo
