// Tile registers; see Machine.h. The instructions: LDTILECFG, TILELOADD, TILESTORED, TDPBUSD and
// its kin, TDPBF16PS (Intel SDM).
#include "ir/DType.h"
#include "ir/eval/loop/Machine.h"

#include <cstring>
#include <fmt/format.h>

namespace cameo::eval {

void Machine::configureTiles(const Op &op) {
  std::vector<int64_t> rows = op.attrs.getInts("rows"), bytes = op.attrs.getInts("bytes");
  for (size_t t = 0; t < file_.tiles.size(); t++)
    file_.tiles[t] = {rows[t], bytes[t], std::vector<std::byte>(rows[t] * bytes[t])};
}

Machine::Flow Machine::runTile(const Step &step, Call &call) {
  const Op &op = *step.op;
  switch (op.kind()) {
  case OpKind::TileConfigure:
    configureTiles(op);
    return Flow::Next;
  case OpKind::TileRelease:
    file_ = {};
    return Flow::Next;
  case OpKind::TileDot:
    return multiplyTiles(step, call);
  default:
    break;
  }
  TileFile::Tile &tile = file_.tiles[op.attrs.getInt("tile")];
  if (tile.data.empty())
    return fail(step, call, "the tile register has no size");
  if (op.kind() != OpKind::TileZero)
    return moveTile(step, call);
  std::fill(tile.data.begin(), tile.data.end(), std::byte{0});
  return Flow::Next;
}

/// Loads or stores a register row by row.
Machine::Flow Machine::moveTile(const Step &step, Call &call) {
  TileFile::Tile &tile = file_.tiles[step.op->attrs.getInt("tile")];
  int64_t first = integer(step, call, 1), stride = integer(step, call, 2);
  auto size = static_cast<size_t>(tile.bytes);
  for (int64_t r = 0; r < tile.rows; r++) {
    Pointer at = address(step, call, 0, first + r * stride);
    std::string wrong = step.op->kind() == OpKind::TileLoad ? memory.load(at, {tile.row(r), size})
                                                            : memory.store(at, {tile.row(r), size});
    if (!wrong.empty())
      return fail(step, call, fmt::format("row {} of the tile: {}", r, wrong));
  }
  return Flow::Next;
}

Machine::Flow Machine::multiplyTiles(const Step &step, Call &call) {
  const AttrDict &attrs = step.op->attrs;
  auto tile = [&](const char *name) -> TileFile::Tile & { return file_.tiles[attrs.getInt(name)]; };
  auto dtype = [&](const char *name) { return *dtypeFromName(attrs.getString(name)); };
  TileFile::Tile &sum = tile("sum"), &a = tile("a"), &b = tile("b");
  if (sum.data.empty() || a.rows != sum.rows || b.bytes != sum.bytes ||
      a.bytes != b.rows * kTileStepBytes)
    return fail(step, call, "the sizes of the tile registers do not fit each other");
  DType aType = dtype("a_type"), bType = dtype("b_type");
  DType sumType = isFloat(aType) ? DType::F32 : DType::I32;
  int64_t products = kTileStepBytes / dtypeBytes(aType);
  int64_t columns = b.bytes / kTileStepBytes;
  for (int64_t m = 0; m < sum.rows; m++)
    for (int64_t k = 0; k < b.rows; k++) {
      Bytes row(b.bytes); // what a has for this step, for every column
      for (int64_t n = 0; n < columns; n++)
        std::memcpy(&row[n * kTileStepBytes], a.row(m) + k * kTileStepBytes, kTileStepBytes);
      Lanes sums{sumType, columns, sum.row(m)};
      addProducts(sums, {aType, columns * products, row.data()},
                  {bType, columns * products, b.row(k)});
    }
  return Flow::Next;
}

} // namespace cameo::eval
