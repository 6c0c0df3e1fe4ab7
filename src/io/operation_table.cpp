#include "operation_table.hpp"

#include <cerrno>

namespace ringpost::io {

std::int32_t check_vectors(const Op& op, std::uint64_t& total) {
  total = 0;
  if (op.vector_count > kVectorsMax) return -EINVAL;
  for (std::uint32_t i = 0; i < op.vector_count; ++i) {
    if (op.vectors[i].iov_len > kOperationBytesMax - total) return -EINVAL;
    total += op.vectors[i].iov_len;
  }
  return 0;
}

}  // namespace ringpost::io
