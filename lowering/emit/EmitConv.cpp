// Convolutions. Direct: a contraction over taps and channels straight from the rows of the input,
// whose halo holds the padding. Depthwise: vectors of channels, tiles of a few lines and pixels.
#include "ir/kernel/Contraction.h"
#include "lowering/emit/EmitContraction.h"
#include "lowering/emit/RangeNotes.h"

#include <algorithm>
#include <map>

namespace cameo {
namespace {

/// Positions in the input at which neighbouring outputs and taps meet, in the order of the input:
/// of each, the pairs of output and tap.
using Meetings = std::map<int64_t, std::vector<std::pair<int64_t, int64_t>>>;

Meetings meetings(int64_t outputs, int64_t stride, int64_t taps, int64_t dilation) {
  Meetings at;
  for (int64_t output = 0; output < outputs; output++)
    for (int64_t tap = 0; tap < taps; tap++)
      at[output * stride + tap * dilation].emplace_back(output, tap);
  return at;
}

/// Depthwise: a unit is a band of lines of the image, a vector of channels. Tiles of lines by
/// pixels have their sums in registers; an element of the input is read once for all sums of a tile
/// that it goes into.
struct Depthwise {
  KernelFunc &k;
  ConvAttrs attrs = attrsOf<ConvAttrs>(k.op);
  LoopBuilder &b = k.b;
  DType accumulator = k.op.region().arg(0)->type.dtype();
  std::vector<NestAxis> axes = outputAxes(k.op); // the last one is the line
  std::vector<bool> channelOperands = {};
  size_t numLooped = loopedTaps(attrs); // dims of the window; the others are unrolled
  const Value &x = *k.op.operand(0);
  Value *scratch = nullptr; // for the sums of a tile, where the epilogue works there

  using Values = LoopBuilder::Values;
  using enum Contraction::Tensor;

  /// A vector of channels from `first` on.
  struct Channels {
    Value *first;
    int64_t lanes;
    Value *mask;
  };
  /// A tile of so many lines by so many pixels; `at`: each tensor's offset at its first pixel.
  struct Tile {
    int64_t lines, pixels;
    Values at;
    Channels c;
    int64_t count() const { return lines * pixels; }
  };

  Value *read(Value *pointer, Value *at, const Channels &c) {
    return b.cast(b.load(pointer, at, c.lanes, c.mask), accumulator);
  }

  /// Whether the tile before, of `outputs` along a dim, has not read position `at` of those up to
  /// `end`.
  static bool isNew(int64_t at, int64_t end, int64_t outputs, int64_t stride) {
    return at + outputs * stride > end;
  }

  /// The tap of number `tap`, counted over the dims that are loops, and all behind it.
  Values unrolled(const Tile &tile, Value *from, Value *tap, Values sums) {
    size_t last = attrs.kernel.size() - 1;
    bool areLinesUnrolled = last > 0 && numLooped < last;
    auto along = [&](int64_t outputs, size_t dim, bool isUnrolled) {
      return meetings(outputs, attrs.strides[dim], isUnrolled ? attrs.kernel[dim] : 1,
                      attrs.dilations[dim]);
    };
    Meetings lines{{0, {{0, 0}}}};
    if (last > 0)
      lines = along(tile.lines, last - 1, areLinesUnrolled);
    bool arePixelsUnrolled = numLooped <= last;
    int64_t width = arePixelsUnrolled ? attrs.kernel[last] : 1;
    int64_t numTaps = (areLinesUnrolled ? attrs.kernel[last - 1] : 1) * width;
    Values weights;
    Value *channels = k.size(x.type.dim(1));
    for (int64_t i = 0; i < numTaps; i++) {
      Value *number = b.add(b.mul(tap, b.index(numTaps)), b.index(i));
      weights.push_back(read(k.operands[1], b.add(b.mul(number, channels), tile.c.first), tile.c));
    }
    Meetings pixels = along(tile.pixels, last, arePixelsUnrolled);
    int64_t lineStride = last > 0 ? attrs.strides[last - 1] : 1;
    for (const auto &[column, across] : pixels)
      for (const auto &[row, down] : lines) {
        Value *at = k.advance(from, b.index(column), x.layout->strides[last + 2]);
        at = k.advance(at, b.index(row), x.layout->strides[last + 1]);
        Value *element = read(k.operands[0], at, tile.c);
        if (attrs.plan.channelsAhead > 0 &&
            isNew(row, lines.rbegin()->first, tile.lines, lineStride) &&
            isNew(column, pixels.rbegin()->first, tile.pixels, attrs.strides[last]))
          b.prefetch(k.operands[0], b.add(at, b.index(attrs.plan.channelsAhead)), 1);
        for (auto [line, tapDown] : down)
          for (auto [pixel, tapAcross] : across) {
            Value *&sum = sums[line * tile.pixels + pixel];
            sum = b.mad(element, weights[tapDown * width + tapAcross], sum);
          }
      }
    return sums;
  }

  /// The sums over dims of the window from `dim` on.
  Values taps(const Tile &tile, size_t dim, Value *from, Value *tap, const Values &sums) {
    if (dim == numLooped)
      return unrolled(tile, from, tap, sums);
    Dim stride = Dim(attrs.dilations[dim]) * x.layout->strides[dim + 2];
    return b.forLoop(b.index(0), b.index(attrs.kernel[dim]), 1, sums,
                     [&](Value *t, const Values &now) {
                       Value *next = b.add(b.mul(tap, b.index(attrs.kernel[dim])), t);
                       return taps(tile, dim + 1, k.advance(from, t, stride), next, now);
                     });
  }

  /// Offset of a tensor at a pixel of a tile.
  Value *offset(const Tile &tile, size_t tensor, Value *line, Value *pixel) {
    Value *at = k.advance(tile.at[tensor], pixel, axes.back().strides[tensor]);
    return axes.size() > 2 ? k.advance(at, line, axes[axes.size() - 2].strides[tensor]) : at;
  }

  Value *epilogue(const Tile &tile, Value *sum, Value *line, Value *pixel) {
    Values args = {sum};
    for (size_t e = 0; e < channelOperands.size(); e++) {
      Value *at = offset(tile, FirstOperand + e, line, pixel), *pointer = k.operands[2 + e];
      args.push_back(channelOperands[e]
                         ? b.load(pointer, b.add(at, tile.c.first), tile.c.lanes, tile.c.mask)
                         : b.load(pointer, at));
    }
    Value *result = inlineRegion(b, k.sizes, k.op.region(), args)[0];
    return tile.c.lanes > 1 && !result->type.isVector() ? b.splat(result, tile.c.lanes) : result;
  }

  void store(const Tile &tile, Value *result, Value *line, Value *pixel) {
    Value *at = b.add(offset(tile, Result, line, pixel), tile.c.first);
    b.store(result, k.results[0], at, tile.c.mask);
    noteElement(k, result, tile.c.mask);
  }

  void compute(const Tile &tile) {
    int64_t lanes = tile.c.lanes;
    Type type = typeOfLanes(accumulator, lanes);
    Values sums = taps(tile, 0, b.add(tile.at[Input], tile.c.first), b.index(0),
                       Values(tile.count(), b.constant(type, 0)));
    if (attrs.plan.epilogue == EpiloguePlace::Scratch)
      return throughScratch(tile, sums);
    for (int64_t i = 0; i < tile.count(); i++)
      sums[i] = epilogue(tile, sums[i], b.index(i / tile.pixels), b.index(i % tile.pixels));
    for (int64_t i = 0; i < tile.count(); i++)
      store(tile, sums[i], b.index(i / tile.pixels), b.index(i % tile.pixels));
  }

  void throughScratch(const Tile &tile, const Values &sums) {
    int64_t lanes = tile.c.lanes;
    for (int64_t i = 0; i < tile.count(); i++)
      b.store(sums[i], scratch, b.index(i * lanes));
    b.forLoop(b.index(0), b.index(tile.lines), 1, [&](Value *line) {
      b.forLoop(b.index(0), b.index(tile.pixels), 1, [&](Value *pixel) {
        Value *number = b.add(b.mul(line, b.index(tile.pixels)), pixel);
        Value *sum = b.load(scratch, b.mul(number, b.index(lanes)), lanes);
        store(tile, epilogue(tile, sum, line, pixel), line, pixel);
      });
    });
  }
  /// Runs body(first, so many) for tiles of `most` along an axis, and for what is left: as one
  /// tile, or where only the run knows how many, one at a time.
  void tiles(Value *count, int64_t most, const std::function<void(Value *, int64_t)> &body) {
    Value *rest = b.rem(count, b.index(most)), *whole = b.sub(count, rest);
    if (b.constantIndex(whole) != 0)
      b.forLoop(b.index(0), whole, most, [&](Value *first) { body(first, most); });
    if (std::optional<int64_t> known = b.constantIndex(rest)) {
      if (*known > 0)
        body(whole, *known);
      return;
    }
    b.forLoop(whole, count, 1, [&](Value *first) { body(first, 1); });
  }

  /// `lines` lines from where `at` says.
  void line(int64_t lines, const Values &at, const UnitRun &c) {
    tiles(k.size(axes.back().extent), attrs.plan.tileRows, [&](Value *first, int64_t pixels) {
      Values from = advanceAlong(k, {axes.back()}, {first}, at);
      b.forLoop(b.index(0), c.count, attrs.plan.lanes, [&](Value *channel) {
        channels(b.add(c.first, channel),
                 [&](const Channels &some) { compute({lines, pixels, from, some}); });
      });
    });
  }

  /// `areWhole`: all bands are whole tiles.
  void band(const TileRun &lines, bool areWhole, const Values &at, const UnitRun &c) {
    if (axes.size() == 2)
      return line(1, at, c);
    const NestAxis &down = axes[axes.size() - 2];
    Value *count = b.sub(lines.end, lines.first);
    int64_t most = attrs.plan.tileLines;
    if (areWhole)
      return b.forLoop(b.index(0), count, most,
                       [&](Value *first) { line(most, advanceAlong(k, {down}, {first}, at), c); });
    tiles(count, most,
          [&](Value *first, int64_t some) { line(some, advanceAlong(k, {down}, {first}, at), c); });
  }

  /// The vector of channels from `first` on, which may be the last one.
  void channels(Value *first, const std::function<void(const Channels &)> &body) {
    int64_t lanes = attrs.plan.lanes;
    const Dim &extent = x.type.dim(1);
    if (extent.isConst() && extent.value() % lanes == 0)
      return body({first, lanes, nullptr});
    Value *left = b.sub(k.size(extent), first);
    b.ifElse(
        b.cmp("ge", left, b.index(lanes)), [&] { body({first, lanes, nullptr}); },
        [&] {
          if (attrs.plan.tail == Tail::Masked)
            body({first, lanes, b.laneMask(left, lanes)});
          else
            b.forLoop(first, k.size(extent), 1, [&](Value *c) { body({c, 1, nullptr}); });
        });
  }

  Dim emit() {
    for (int64_t e = 2; e < k.op.numOperands(); e++)
      channelOperands.push_back(
          !(broadcastStrides(*k.op.operand(e), k.op.result()->type.shape())[1] == Dim(0)));
    k.operands[0] = b.offset(k.operands[0], k.size(firstTap(k.op)));
    if (attrs.plan.epilogue == EpiloguePlace::Scratch)
      scratch =
          b.scratch(accumulator, attrs.plan.tileRows * attrs.plan.tileLines * attrs.plan.lanes);
    Units units = unitsOf(k.op).grid;
    return emitUnits(k, units, [&](const std::vector<Value *> &cells) {
      // Batch and outer dims, the band if there are lines, channels.
      std::vector<Value *> steps(cells.begin(), cells.end() - 1);
      TileRun lines{};
      bool areWhole = attrs.plan.tileLines == 1;
      if (axes.size() > 2) {
        const UnitAxis &bands = units.axes()[steps.size() - 1];
        lines = tileRun(k, bands, steps.back());
        steps.back() = lines.first;
        areWhole =
            areWhole || (bands.tiles.count > 0 &&
                         bands.tiles.count % (bands.cells().value() * attrs.plan.tileLines) == 0);
      }
      Values at = advanceAlong(k, axes, steps, zeroOffsets(k, axes[0].strides.size()));
      band(lines, areWhole, at, unitRun(k, units.axes().back(), cells.back()));
    });
  }
};

} // namespace

Result<Dim> emitConv(KernelFunc &k) {
  ConvAttrs attrs = attrsOf<ConvAttrs>(k.op);
  switch (attrs.algorithm) {
  case ConvAlgorithm::Direct:
    k.operands[0] = k.b.offset(k.operands[0], k.size(firstTap(k.op)));
    return emitContraction(k, contractionOf(k.op));
  case ConvAlgorithm::Depthwise:
    return Depthwise{k}.emit();
  case ConvAlgorithm::Winograd4:
  case ConvAlgorithm::Winograd2:
    return emitWinograd(k);
  }
  ICE("an algorithm without loops");
}

Result<Dim> emitGemm(KernelFunc &k) { return emitContraction(k, contractionOf(k.op)); }

} // namespace cameo
