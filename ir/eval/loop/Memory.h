// Memory of a run of loop-level code: blocks of bytes, pointers that know their block and refuse to
// leave it, and a record of who read and wrote each byte, which finds what a real team of threads
// might do in any order.
//
// An *agent* is something that may run at the same time as others: one unit of a `parallel`, one
// `single`, or the calling thread between team functions. A *span* is the time between two
// barriers. Two agents of one span must not touch the same byte if one of them writes it.
#pragma once

#include "ir/Layout.h"
#include "ir/Result.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace cameo::eval {

/// An address: `offset` bytes from the start of a block. Accesses must be between `begin` and
/// `end`, which also count from there. Block 0 is none: a pointer that was never set.
struct Pointer {
  int64_t block = 0;
  int64_t offset = 0;
  int64_t begin = 0, end = 0;
};

class LoopMemory {
public:
  LoopMemory() { blocks_.resize(1); }

  /// Loads may go so many bytes before and behind what lies in the workspace or a box, and behind
  /// the weights (runtime/abi.h).
  static constexpr int64_t kSlack = 64;
  /// Memory that nobody has written: NaN as a float.
  static constexpr std::byte kPoison{0xff};

  enum class Kind {
    Constant, // inputs: read only, exactly so large
    Weights,  // read only, with slack behind
    Output,   // exactly so large
    Shared,   // of the workspace or a box, with slack
    Private,  // scratch of one call
  };

  /// Hears of each access of memory that agents share.
  std::function<void(const Pointer &, int64_t bytes, bool isStore)> onTouch;

  /// Makes a block of `size` bytes filled with poison and returns the pointer to its start. The
  /// block's address is `phase` modulo 64: a caller's memory is aligned to its elements only.
  Pointer add(Kind kind, std::string name, int64_t size, int64_t phase = 0);
  /// Makes a block unusable: pointers to it that remain are errors when they are used.
  void release(const Pointer &pointer);
  /// The bytes of a block, for whoever fills or reads it from outside the run.
  std::span<std::byte> bytes(const Pointer &pointer);
  /// Copies the contents of another block to a block's start, at most as many bytes as both have.
  void copy(const Pointer &to, const Pointer &from);
  /// The first byte of a block that nobody wrote, or -1.
  int64_t firstUnwritten(const Pointer &pointer) const;

  /// Says which part of a block belongs to one thread each: `share` bytes from `begin` on for
  /// thread 0, as many behind them for thread 1, and so on. Each agent finds its thread's
  /// unwritten.
  void setThreadMemory(const Pointer &arena, int64_t begin, int64_t share);

  /// One access of consecutive bytes. What is wrong with it, or "".
  std::string load(const Pointer &from, std::span<std::byte> to);
  std::string store(const Pointer &to, std::span<const std::byte> from);
  /// What is wrong with a promise that an address is a multiple of `alignment`, or "".
  std::string checkAlignment(const Pointer &pointer, int64_t alignment) const;

  /// A new span begins, with an agent of its own.
  void barrier();
  /// A new agent of this span: unit number `unit` on `thread`, -1 for code that is no unit.
  void enter(int64_t unit, int64_t thread);

private:
  /// The last agent that wrote a byte, and two different ones that read it; 0 for none.
  struct Record {
    int32_t writer = 0, reader = 0, otherReader = 0;
  };
  struct Block {
    Kind kind = Kind::Private;
    std::string name;
    int64_t size = 0, phase = 0;
    std::vector<std::byte> bytes; // with slack on both sides
    std::vector<Record> records;  // of memory that agents share
    bool isLive = true;
  };

  std::string outside(const Pointer &pointer, int64_t count, bool isLoad) const;
  std::string checkThread(const Pointer &pointer, int64_t count) const;
  std::string recordLoad(Record &record) const;
  std::string recordStore(Record &record) const;
  std::string collision(int32_t other, const char *verbs) const;
  bool isThreadMemory(const Pointer &pointer) const;
  void touch(const Pointer &pointer, int64_t count, bool isStore) const;
  /// Whether it is another agent of this span.
  bool isOther(int32_t agent) const { return agent >= firstAgent_ && agent != agent_; }

  std::vector<Block> blocks_;  // the first is none
  std::vector<int64_t> units_; // of the agents of this span
  int32_t agent_ = 1, firstAgent_ = 1;
  int64_t thread_ = 0;
  int64_t threadBlock_ = 0, threadBegin_ = 0, threadShare_ = 0;
};

} // namespace cameo::eval
