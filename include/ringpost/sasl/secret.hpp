// A password while it is needed: never printed, never copied, overwritten when it is dropped.
//
// Layer: pure. Owner: whoever holds the object; move passes ownership and wipes the source.
// Limits: the caller bounds the size; growing never leaves a copy behind.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace ringpost::sasl {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string_view text);
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret() { wipe(); }

  // Valid until the object is changed, moved or destroyed.
  std::string_view view() const { return {bytes_.get(), size_}; }
  bool empty() const { return size_ == 0; }
  // Overwrites the bytes; the compiler may not leave it out.
  void wipe() noexcept;

 private:
  std::unique_ptr<char[]> bytes_;
  std::size_t size_ = 0;
};

// Overwrite what held a secret on its way, for those who may not include crypto. The string's whole capacity.
void wipe(std::span<char> bytes) noexcept;
void wipe(std::string& text) noexcept;

}  // namespace ringpost::sasl
