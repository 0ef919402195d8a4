// Lookups over the element types.
#include "ir/DType.h"

namespace cameo {

std::optional<DType> dtypeFromName(std::string_view name) {
  for (const DTypeSpec &row : kDTypes)
    if (row.name == name)
      return row.kind;
  return std::nullopt;
}

std::optional<DType> dtypeFromOnnx(int64_t number) {
  for (const DTypeSpec &row : kDTypes)
    if (row.number == number)
      return row.kind;
  return std::nullopt;
}

std::optional<DType> dtypeFromNumpy(std::string_view descriptor) {
  for (const DTypeSpec &row : kDTypes)
    if (!row.numpy.empty() && row.numpy == descriptor)
      return row.kind;
  return std::nullopt;
}

} // namespace cameo
