// What one core says to another: a function and up to 48 bytes, copied through a bounded ring. Bytes of mail
// do not travel; a pointer to immutable bytes may, if the sender keeps them until the answer.
//
// Layer: runtime.
#pragma once

#include <cstddef>
#include <new>
#include <type_traits>

namespace ringpost::shard {

class Core;

struct Message {
  static constexpr std::size_t kPayload = 48;
  using Run = void (*)(Core& here, void* payload);
  Run run = nullptr;
  alignas(8) std::byte payload[kPayload]{};

  // From any trivially copyable callable `void(Core& here)`.
  template <class F>
  static Message make(F function) {
    static_assert(std::is_trivially_copyable_v<F> && sizeof(F) <= kPayload && alignof(F) <= 8);
    Message message;
    ::new (message.payload) F(function);
    message.run = [](Core& here, void* payload) { (*std::launder(static_cast<F*>(payload)))(here); };
    return message;
  }
};

}  // namespace ringpost::shard
