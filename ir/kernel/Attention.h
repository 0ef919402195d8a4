// Attributes of attention as one kernel.
#pragma once

#include "ir/kernel/Contraction.h"
#include "ir/kernel/Window.h"

namespace cameo {

/// How the work of an attention is cut. Register tiles of queries have `tileRows` rows by
/// `tilePanels` panels of 16, of scores and of the result alike; a unit has `unitTiles` of them.
/// The scores of a tile, for all keys, are in memory of the thread. 0 in an op without a plan.
/// Where the number of queries is a symbol, tiles of `restRows` follow those that are whole, then
/// single rows.
struct AttentionPlan : VectorPlan {
  int64_t tileRows = 0, tilePanels = 0, unitTiles = 0;
  std::vector<int64_t> restRows = {};
  int64_t inputLanes = 1; // as in ContractionPlan
  /// Where the regions of scores and of results run.
  EpiloguePlace scores = EpiloguePlace::Registers, results = EpiloguePlace::Registers;

  template <class Self, class Visit> static void fields(Self &self, Visit &&visit) {
    visit("tile_rows", self.tileRows, int64_t{0});
    visit("tile_panels", self.tilePanels, int64_t{0});
    visit("unit_tiles", self.unitTiles, int64_t{0});
    visit("rest_rows", self.restRows, std::vector<int64_t>());
    visit("input_lanes", self.inputLanes, int64_t{1});
    visit("scores", self.scores, EpiloguePlace::Registers);
    visit("results", self.results, EpiloguePlace::Registers);
    VectorPlan::fields(self, visit);
  }
  Result<void> verify() const;
};

struct AttentionAttrs {
  RowForm form = RowForm::Softmax; // or MaskedSoftmax
  bool nanToZero = false;          // of what the softmax gives
  /// So many operands behind v are elements for the region of scores, the others for that of
  /// results.
  int64_t scoreOperands = 0;
  AttentionPlan plan = {};

  template <class Self, class Visit> static void fields(Self &self, Visit &&visit) {
    visit("form", self.form);
    visit("nan_to_zero", self.nanToZero, false);
    visit("score_operands", self.scoreOperands, int64_t{0});
    AttentionPlan::fields(self.plan, visit);
  }
  Result<void> verify(const Op &op) const;
  std::string_view variant() const { return wordOf(form); }
  Dim flops(const Op &op) const;
};

/// The first operand of an `attention` that is no factor, and the number of its keys.
inline constexpr int64_t kFirstScoreOperand = 3;
Dim attentionKeys(const Op &op);
/// The shape of its scores: batches, queries, keys.
Dims scoreShape(const Op &op);

} // namespace cameo
