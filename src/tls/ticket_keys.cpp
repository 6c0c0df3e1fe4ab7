#include "ringpost/tls/ticket_keys.hpp"

#include "ringpost/crypto/secret.hpp"
#include "ringpost/tls/limits.hpp"

namespace ringpost::tls {

namespace {

Result<TicketKeys::Key> random_key() {
  TicketKeys::Key key;
  RP_CHECK(crypto::random_bytes(key.name));
  RP_CHECK(crypto::random_bytes(key.cipher));
  RP_CHECK(crypto::random_bytes(key.mac));
  return key;
}

}  // namespace

Result<std::shared_ptr<const TicketKeys>> TicketKeys::generate() {
  const std::shared_ptr<TicketKeys> made(new TicketKeys);
  made->keys_.reserve(1);
  made->keys_.push_back(RP_TRY(random_key()));
  return made;
}

Result<std::shared_ptr<const TicketKeys>> TicketKeys::rotated() const {
  const std::shared_ptr<TicketKeys> made(new TicketKeys);
  // Reserved, so that growing leaves no copy of a key behind on the heap.
  made->keys_.reserve(kTicketKeysMax);
  made->keys_.push_back(RP_TRY(random_key()));
  for (const Key& key : keys_)
    if (made->keys_.size() < kTicketKeysMax) made->keys_.push_back(key);
  return made;
}

TicketKeys::~TicketKeys() {
  crypto::wipe(std::as_writable_bytes(std::span(keys_)));
}

}  // namespace ringpost::tls
