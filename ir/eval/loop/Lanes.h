// Scalar and vector ops of the loop level on values in their storage form: the elements of a
// register lie as they would in memory, one behind the other, and an index is an integer as wide as
// the target's pointers. docs/ir.md, "Scalar ops" and "Loop level", is the contract.
#pragma once

#include "ir/Op.h"
#include "ir/Target.h"

#include <cstddef>
#include <span>

namespace cameo::eval {

/// A register: so many elements, densely, at any address.
struct Lanes {
  DType dtype = DType::F32;
  int64_t count = 1;
  std::byte *data = nullptr;

  int64_t numBytes() const { return count * dtypeBytes(dtype); }
};

/// The element type of a scalar, vector or index as a register holds it.
DType registerType(const Type &type, const Target &target);

/// Evaluates an op of ir/ops/Scalar.def that may stand at the loop level, or one of the vector ops
/// and checked ones of ir/ops/Loop.def. Results do not overlap operands.
void evalLanes(const Op &op, const Target &target, std::span<const Lanes> operands,
               std::span<const Lanes> results);

/// Adds to each sum the products of as many consecutive elements of a and b as there are for it: of
/// integers modulo 2^32, of floats rounded after each.
void addProducts(const Lanes &sums, const Lanes &a, const Lanes &b);

/// An element as a signed 64-bit integer: of an integer, an index or a bool.
int64_t integerAt(const Lanes &lanes, int64_t lane = 0);
/// Stores an integer in the register's type; it must fit.
void storeInteger(const Lanes &lanes, int64_t value, int64_t lane = 0);

} // namespace cameo::eval
