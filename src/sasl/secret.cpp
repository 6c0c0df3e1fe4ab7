#include "ringpost/sasl/secret.hpp"

#include <algorithm>
#include <utility>

#include "ringpost/crypto/secret.hpp"

namespace ringpost::sasl {

Secret::Secret(std::string_view text)
    : bytes_(text.empty() ? nullptr : std::make_unique<char[]>(text.size())), size_(text.size()) {
  std::ranges::copy(text, bytes_.get());
}

Secret::Secret(Secret&& other) noexcept
    : bytes_(std::move(other.bytes_)), size_(std::exchange(other.size_, 0)) {}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    wipe();
    bytes_ = std::move(other.bytes_);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

void Secret::wipe() noexcept {
  if (size_ != 0) crypto::wipe(std::as_writable_bytes(std::span(bytes_.get(), size_)));
  bytes_.reset();
  size_ = 0;
}

void wipe(std::span<char> bytes) noexcept {
  crypto::wipe(std::as_writable_bytes(bytes));
}
void wipe(std::string& text) noexcept {
  crypto::wipe(text);
}

}  // namespace ringpost::sasl
