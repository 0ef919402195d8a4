// See Memory.h.
#include "ir/eval/loop/Memory.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>

namespace cameo::eval {

Pointer LoopMemory::add(Kind kind, std::string name, int64_t size, int64_t phase) {
  Block block{kind, std::move(name), size, phase, {}, {}};
  block.bytes.assign(size + 2 * kSlack, kPoison);
  if (kind == Kind::Output || kind == Kind::Shared)
    block.records.resize(size + 2 * kSlack);
  blocks_.push_back(std::move(block));
  return {std::ssize(blocks_) - 1, 0, 0, size};
}

void LoopMemory::release(const Pointer &pointer) {
  Block &block = blocks_[pointer.block];
  block.isLive = false;
  block.bytes = {};
  block.records = {};
}

std::span<std::byte> LoopMemory::bytes(const Pointer &pointer) {
  Block &block = blocks_[pointer.block];
  return std::span(block.bytes).subspan(kSlack, block.size);
}

void LoopMemory::copy(const Pointer &to, const Pointer &from) {
  Block &target = blocks_[to.block], &source = blocks_[from.block];
  int64_t count = std::min(target.size, source.size);
  std::copy_n(source.bytes.begin() + kSlack, count, target.bytes.begin() + kSlack);
  std::copy_n(source.records.begin() + kSlack, count, target.records.begin() + kSlack);
}

int64_t LoopMemory::firstUnwritten(const Pointer &pointer) const {
  const Block &block = blocks_[pointer.block];
  for (int64_t i = 0; i < block.size; i++)
    if (block.records[kSlack + i].writer == 0)
      return i;
  return -1;
}

void LoopMemory::setThreadMemory(const Pointer &arena, int64_t begin, int64_t share) {
  threadBlock_ = arena.block;
  threadBegin_ = begin;
  threadShare_ = share;
}

bool LoopMemory::isThreadMemory(const Pointer &pointer) const {
  return pointer.block == threadBlock_ && threadShare_ > 0 && pointer.offset >= threadBegin_;
}

/// What is wrong with the place of an access, or "".
std::string LoopMemory::outside(const Pointer &pointer, int64_t count, bool isLoad) const {
  if (pointer.block == 0)
    return "the pointer was never set";
  const Block &block = blocks_[pointer.block];
  if (!block.isLive)
    return fmt::format("{} has been moved or let go", block.name);
  bool isShared = block.kind == Kind::Shared;
  int64_t before = isLoad && isShared ? kSlack : 0;
  int64_t behind = isLoad && (isShared || block.kind == Kind::Weights) ? kSlack : 0;
  int64_t first = pointer.offset - pointer.begin, end = first + count;
  if (first >= -before && end <= pointer.end - pointer.begin + behind &&
      pointer.offset >= -before && pointer.offset + count <= block.size + behind)
    return "";
  return fmt::format("bytes {} to {} are outside of {}, which has {}", first, end - 1, block.name,
                     pointer.end - pointer.begin);
}

std::string LoopMemory::checkThread(const Pointer &pointer, int64_t count) const {
  int64_t begin = threadBegin_ + thread_ * threadShare_;
  if (pointer.offset >= begin && pointer.offset + count <= begin + threadShare_)
    return "";
  return fmt::format("bytes {} to {} of the workspace are not memory of thread {}", pointer.offset,
                     pointer.offset + count - 1, thread_);
}

std::string LoopMemory::checkAlignment(const Pointer &pointer, int64_t alignment) const {
  if (pointer.block == 0)
    return "the pointer was never set";
  const Block &block = blocks_[pointer.block];
  int64_t address = pointer.offset + block.phase;
  if (address % alignment == 0)
    return "";
  return fmt::format("byte {} of {} is no multiple of {}", pointer.offset, block.name, alignment);
}

std::string LoopMemory::collision(int32_t other, const char *verbs) const {
  auto name = [&](int32_t agent) {
    int64_t unit = agent - firstAgent_ < std::ssize(units_) ? units_[agent - firstAgent_] : -1;
    return unit < 0 ? std::string("code outside of units") : fmt::format("unit {}", unit);
  };
  return fmt::format("{} {} {} without a barrier between them", name(agent_), verbs, name(other));
}

std::string LoopMemory::recordLoad(Record &record) const {
  if (isOther(record.writer))
    return collision(record.writer, "reads what is written by");
  if (record.reader < firstAgent_)
    record.reader = record.otherReader = agent_;
  else if (record.reader != agent_)
    record.otherReader = agent_;
  return "";
}

std::string LoopMemory::recordStore(Record &record) const {
  if (isOther(record.writer))
    return collision(record.writer, "writes what is written by");
  if (isOther(record.reader) || isOther(record.otherReader))
    return collision(isOther(record.reader) ? record.reader : record.otherReader,
                     "writes what is read by");
  record.writer = agent_;
  return "";
}

void LoopMemory::touch(const Pointer &pointer, int64_t count, bool isStore) const {
  if (onTouch && !isThreadMemory(pointer) && blocks_[pointer.block].kind != Kind::Private)
    onTouch(pointer, count, isStore);
}

std::string LoopMemory::load(const Pointer &from, std::span<std::byte> to) {
  int64_t count = std::ssize(to);
  if (std::string wrong = outside(from, count, true); !wrong.empty())
    return wrong;
  Block &block = blocks_[from.block];
  if (isThreadMemory(from)) {
    if (std::string wrong = checkThread(from, count); !wrong.empty())
      return wrong;
  } else if (!block.records.empty()) {
    for (int64_t i = 0; i < count; i++)
      if (std::string wrong = recordLoad(block.records[kSlack + from.offset + i]); !wrong.empty())
        return fmt::format("byte {} of {}: {}", from.offset + i - from.begin, block.name, wrong);
  }
  touch(from, count, false);
  std::memcpy(to.data(), block.bytes.data() + kSlack + from.offset, count);
  return "";
}

std::string LoopMemory::store(const Pointer &to, std::span<const std::byte> from) {
  int64_t count = std::ssize(from);
  if (std::string wrong = outside(to, count, false); !wrong.empty())
    return wrong;
  Block &block = blocks_[to.block];
  if (block.kind == Kind::Constant || block.kind == Kind::Weights)
    return block.name + " must not be written";
  if (isThreadMemory(to)) {
    if (std::string wrong = checkThread(to, count); !wrong.empty())
      return wrong;
  } else if (!block.records.empty()) {
    for (int64_t i = 0; i < count; i++)
      if (std::string wrong = recordStore(block.records[kSlack + to.offset + i]); !wrong.empty())
        return fmt::format("byte {} of {}: {}", to.offset + i - to.begin, block.name, wrong);
  }
  touch(to, count, true);
  std::memcpy(block.bytes.data() + kSlack + to.offset, from.data(), count);
  return "";
}

void LoopMemory::barrier() {
  firstAgent_ = agent_ + 1;
  units_.clear();
  enter(-1, 0);
}

void LoopMemory::enter(int64_t unit, int64_t thread) {
  agent_++;
  units_.push_back(unit);
  thread_ = thread;
  if (threadShare_ == 0)
    return;
  std::byte *own = blocks_[threadBlock_].bytes.data() + kSlack + threadBegin_;
  std::fill_n(own + thread * threadShare_, threadShare_, kPoison);
}

} // namespace cameo::eval
