// See Roofline.h.
#include "tools/Roofline.h"

#include <algorithm>

namespace cameo {

namespace {

const MemoryLevel &levelOf(double bytes, const MachineLimits &limits) {
  for (const MemoryLevel &level : limits.levels)
    if (bytes <= static_cast<double>(level.capacity))
      return level;
  return limits.levels.back();
}

/// As much as possible of what is read and written counts as copied.
double trafficSeconds(const MemoryLevel &level, double read, double written) {
  double copied = std::min(read, written);
  auto seconds = [](double bytes, double rate) { return rate > 0 ? bytes / rate : 0; };
  return seconds(2 * copied, level.copy) + seconds(read - copied, level.read) +
         seconds(written - copied, level.write);
}

Bound arithmeticBound(const KernelCost &cost, const MachineLimits &limits) {
  double peak = limits.f32;
  std::string name = cost.isWinograd ? "winograd" : "f32";
  if (cost.arithmetic == Arithmetic::Bf16)
    peak = limits.bf16, name = "bf16";
  if (cost.arithmetic == Arithmetic::Int8)
    peak = limits.int8, name = "int8";
  double products = peak > 0 ? cost.products / peak : 0;
  // A peak is of two operations a lane. Processors may do both kinds at once.
  double elements = limits.f32 > 0 ? 2 * cost.elementOps / limits.f32 : 0;
  return products >= elements ? Bound{products, name} : Bound{elements, "ops"};
}

} // namespace

Bound boundOf(const KernelCost &cost, double runBytes, const MachineLimits &limits) {
  const MemoryLevel &far = levelOf(runBytes, limits), &near = levelOf(cost.bytes(), limits);
  double weights = trafficSeconds(far, cost.weightBytes, 0);
  double others = trafficSeconds(near, cost.readBytes, cost.writtenBytes);
  Bound arithmetic = arithmeticBound(cost, limits);
  Bound memory = {weights + others, weights > others ? far.name : near.name};
  return memory.seconds > arithmetic.seconds ? memory : arithmetic;
}

} // namespace cameo
