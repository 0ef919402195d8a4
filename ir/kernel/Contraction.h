// Attributes of convolutions, matrix products and the packing of their weights.
#pragma once

#include "ir/kernel/Plan.h"

namespace cameo {

/// The unit in which weights are packed: panels of 16 output channels (columns), [K][16] in memory,
/// whatever the register tile, so that tails, tiles and instruction sets share bytes. Within 1 % of
/// tile-wide panels (measured on Zen 4).
inline constexpr int64_t kPanel = 16;
/// Where so many k's of bytes are a step, it multiplies two rows with two columns (`matrix_dot`).
inline constexpr int64_t kMatrixDepth = 8;
/// The most that `interleave` may be.
inline constexpr int64_t kMaxInterleave = kMatrixDepth;

enum class ConvAlgorithm { Direct, Depthwise, Winograd4, Winograd2 };
template <> struct EnumWords<ConvAlgorithm> {
  static constexpr std::string_view words[] = {"direct", "depthwise", "winograd-4x4",
                                               "winograd-2x2"};
};

/// What a contraction's weights look like: as the model has them, or packed for the target.
enum class WeightForm { Packed, Plain };
template <> struct EnumWords<WeightForm> {
  static constexpr std::string_view words[] = {"packed", "plain"};
};

/// What is subtracted from each element of an operand of integers before it is multiplied: a
/// number, or an element of the operand of this number, which broadcasts to the result. The region
/// need not read that operand.
struct ZeroPoint {
  int64_t value = 0, operand = -1;

  bool isZero() const { return value == 0 && operand < 0; }
};

/// A contraction as kernel selection leaves it: plain weights, and zero points of integers. The
/// pass plan-packing packs the weights and makes terms of the epilogue of zero points.
struct ContractionInputs {
  WeightForm weights = WeightForm::Packed;
  ZeroPoint x, w; // plain weights only

  template <class Self, class Visit> static void fields(Self &self, Visit &&visit) {
    visit("weights", self.weights, WeightForm::Packed);
    visit("x_zero", self.x.value, int64_t{0});
    visit("x_zero_operand", self.x.operand, int64_t{-1});
    visit("w_zero", self.w.value, int64_t{0});
    visit("w_zero_operand", self.w.operand, int64_t{-1});
  }
  Result<void> verify(const Op &op) const;
};

/// The loop that is outside the other.
enum class LoopOrder { Rows, Panels };
template <> struct EnumWords<LoopOrder> {
  static constexpr std::string_view words[] = {"rows", "panels"};
};

/// The most panels that a register tile may have, and its most elements: a few times what any
/// target's registers hold.
inline constexpr int64_t kMaxTilePanels = 8, kMaxTileElements = 1024, kMaxTileLines = 4;
/// Of a cache line, whatever the target.
inline constexpr int64_t kCacheLineBytes = 64;
/// The most elements that the steps over k that read a vector of the input may fetch ahead: a cache
/// line of bytes, as they fetch one. The most channels, too.
inline constexpr int64_t kMaxAhead = kCacheLineBytes;
/// The most vectors of channels that a unit of a depthwise convolution may have.
inline constexpr int64_t kMaxUnitVectors = 1024;
inline constexpr int64_t kMaxTilesAhead = 4;
/// The most multiply-adds that a tile may fetch its own weights ahead.
inline constexpr int64_t kMaxProductsAhead = 4096;

/// Where a register tile is when the epilogue runs on it.
enum class EpiloguePlace {
  Registers,
  Scratch, // memory, a vector at a time: for epilogues that need the registers themselves
};
template <> struct EnumWords<EpiloguePlace> {
  static constexpr std::string_view words[] = {"registers", "scratch"};
};

/// How the work of a contraction is cut: lowering/plan/ decides, emitters follow. An op without a
/// plan has tiles of 0 rows and vectors of 0 lanes. Which algorithm reads what is in verify().
struct ContractionPlan : LoopPlan {
  /// Register tiles have at most so many rows (for Winograd's algorithm, tiles of the image; for
  /// depthwise convolutions, pixels) by so many panels of 16 columns.
  int64_t tileRows = 0, tilePanels = 0;
  /// Depthwise convolutions: a register tile has such pixels of so many lines. Sums in tile
  /// registers: rows of so many steps along the axis outside the tiled one.
  int64_t tileLines = 1;
  LoopOrder outer = LoopOrder::Rows;
  /// Winograd's algorithm: so many register tiles are transformed at once, and are a unit.
  int64_t block = 0;
  /// The direct algorithm and products: a unit has so many register tiles of rows. Depthwise
  /// convolutions: of lines.
  int64_t unitTiles = 0;
  /// Depthwise convolutions: a unit has so many neighbouring vectors of channels, all of which
  /// follow each other at each tile.
  int64_t unitVectors = 1;
  /// Where the number of rows is known only at run time: the heights, the largest first, of the
  /// tiles for what is left behind those of `tileRows`. Behind these, tiles of one row follow.
  std::vector<int64_t> restRows = {};
  /// All but depthwise: how many elements of the weights of the next panels, or, by Winograd's
  /// algorithm, of the next point, a tile fetches at each step over k, so that the tiles that share
  /// panels have fetched the next ones when they are done; 0: none.
  int64_t ahead = 0;
  /// All but depthwise: a tile fetches its own weights into the L1 cache so many multiply-adds of
  /// vectors before it needs them; 0: not.
  int64_t productsAhead = 0;
  /// Depthwise convolutions: a tile fetches into the L1 cache what the tile so many channels from
  /// it reads first of the input; 0: nothing.
  int64_t channelsAhead = 0;
  /// Winograd's algorithm: a tile fetches into the L1 cache what the tile so many further to the
  /// right reads of the input and writes of the result; 0: nothing.
  int64_t tilesAhead = 0;
  /// All but depthwise: a row's input of so many steps over k is read as one vector, whose lanes
  /// weights are multiplied by; 1: step by step, in all lanes.
  int64_t inputLanes = 1;
  /// Bytes, interleaved by two: products of two such steps, four in all, are added in pairs of 16
  /// bits, which hold them as no weight is -128.
  bool joinsSteps = false;
  /// The direct algorithm and products: so many steps over k are in a tile register, which sums are
  /// in as well; 0: vectors.
  int64_t tileSteps = 0;
  EpiloguePlace epilogue = EpiloguePlace::Registers;

  template <class Self, class Visit> static void fields(Self &self, Visit &&visit) {
    visit("tile_rows", self.tileRows, int64_t{0});
    visit("tile_panels", self.tilePanels, int64_t{0});
    visit("tile_lines", self.tileLines, int64_t{1});
    visit("outer", self.outer, LoopOrder::Rows);
    visit("block", self.block, int64_t{0});
    visit("unit_tiles", self.unitTiles, int64_t{0});
    visit("unit_vectors", self.unitVectors, int64_t{1});
    visit("rest_rows", self.restRows, std::vector<int64_t>());
    visit("ahead", self.ahead, int64_t{0});
    visit("products_ahead", self.productsAhead, int64_t{0});
    visit("channels_ahead", self.channelsAhead, int64_t{0});
    visit("tiles_ahead", self.tilesAhead, int64_t{0});
    visit("input_lanes", self.inputLanes, int64_t{1});
    visit("joins_steps", self.joinsSteps, false);
    visit("tile_steps", self.tileSteps, int64_t{0});
    visit("epilogue", self.epilogue, EpiloguePlace::Registers);
    LoopPlan::fields(self, visit);
  }
  Result<void> verify(ConvAlgorithm algorithm, int64_t interleave) const;
  Result<void> verifyTileSteps(bool isDirect, int64_t interleave) const;
};

/// 1, or a power of two up to the lanes of a plan's vectors.
Result<void> areInputLanes(int64_t inputLanes, int64_t lanes);

/// m of the algorithm's tiles of m x m outputs; 0 for algorithms without.
int64_t winogradTile(ConvAlgorithm algorithm);

struct ConvAttrs {
  std::vector<int64_t> kernel, strides; // an entry a spatial dim, as in all lists
  Dims padsBegin, padsEnd;
  std::vector<int64_t> dilations;
  int64_t group = 1;
  ConvAlgorithm algorithm = ConvAlgorithm::Direct;
  /// Packed weights store this many consecutive k's of a column next to each other.
  int64_t interleave = 1;
  /// What f32 multiply as: 1, themselves, or kPieces, as many bf16. Packed weights have one piece
  /// of all k's behind the other; the kernel splits its input. Where weights are plain, this is how
  /// they will be packed.
  int64_t pieces = 1;
  /// The value of the padding when weights are packed: the number `fill`, or the only element of
  /// operand `fillOperand` if that is not -1. When weights are plain, padding is x's zero point.
  int64_t fill = 0, fillOperand = -1;
  ContractionPlan plan = {};
  ContractionInputs inputs = {};

  template <class Self, class Visit> static void fields(Self &self, Visit &&visit) {
    visit("kernel", self.kernel);
    visit("strides", self.strides);
    visit("pads_begin", self.padsBegin);
    visit("pads_end", self.padsEnd);
    visit("dilations", self.dilations);
    visit("group", self.group);
    visit("algorithm", self.algorithm);
    visit("interleave", self.interleave, int64_t{1});
    visit("pieces", self.pieces, int64_t{1});
    visit("fill", self.fill, int64_t{0});
    visit("fill_operand", self.fillOperand, int64_t{-1});
    ContractionPlan::fields(self.plan, visit);
    ContractionInputs::fields(self.inputs, visit);
  }
  Result<void> verify(const Op &op) const;
  std::string_view variant() const { return wordOf(algorithm); }
  Dim flops(const Op &op) const;
};

struct GemmAttrs {
  int64_t interleave = 1, pieces = 1; // as in ConvAttrs
  ContractionPlan plan = {};
  ContractionInputs inputs = {};

  template <class Self, class Visit> static void fields(Self &self, Visit &&visit) {
    visit("interleave", self.interleave, int64_t{1});
    visit("pieces", self.pieces, int64_t{1});
    ContractionPlan::fields(self.plan, visit);
    ContractionInputs::fields(self.inputs, visit);
  }
  Result<void> verify(const Op &op) const;
  Dim flops(const Op &op) const;
};

enum class PackForm {
  Conv,      // from O, I / group, spatial dims
  Gemm,      // from batches, K, N
  Depthwise, // from C, 1, spatial dims
  Winograd4, // from O, I, 3, 3
  Winograd2,
};
template <> struct EnumWords<PackForm> {
  static constexpr std::string_view words[] = {"conv", "gemm", "depthwise", "winograd-4x4",
                                               "winograd-2x2"};
};

/// The form of the weights that an algorithm reads.
PackForm packFormFor(ConvAlgorithm algorithm);
/// m, as for algorithms.
int64_t winogradTile(PackForm form);

struct PackAttrs {
  PackForm form = PackForm::Gemm;
  int64_t group = 1;
  /// So many consecutive k's of a column are next to each other; zeros fill up the last ones.
  int64_t interleave = 1;
  /// As in ConvAttrs.
  int64_t pieces = 1;
  /// Whether 128 is added to bytes, which makes u8 of i8 and the other way round.
  bool flipSign = false;
  VectorPlan plan = {}; // of a kernel that packs at run time

  template <class Self, class Visit> static void fields(Self &self, Visit &&visit) {
    visit("form", self.form);
    visit("group", self.group);
    visit("interleave", self.interleave, int64_t{1});
    visit("pieces", self.pieces, int64_t{1});
    visit("flip_sign", self.flipSign, false);
    VectorPlan::fields(self.plan, visit);
  }
  Result<void> verify(const Op &op) const;
  std::string_view variant() const { return wordOf(form); }
};

/// The shape of packed weights. Those of a product are [batches..., panels, K, 16], with K rounded
/// up to whole interleaved steps, and as often as there are pieces; of a convolution [group,
/// panels, taps * channels, 16], with each tap's channels rounded up; for Winograd's algorithm [1,
/// panels, points * channels, 16]; of a depthwise convolution [taps, channels].
Dims packedShape(const PackAttrs &attrs, const Dims &weights);

} // namespace cameo
