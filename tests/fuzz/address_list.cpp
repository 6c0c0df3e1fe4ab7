// Address fields and encoded words, which people and their programs write as they like.
#include <string>

#include "ringpost/mail/address.hpp"
#include "ringpost/mail/header_address.hpp"
#include "ringpost/mail/limits.hpp"

#include "fuzz_input.hpp"

using namespace ringpost;

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const fuzz::Exact exact(fuzz::Input(bytes, size).rest());
  const mail::HeaderAddressList list = mail::parse_address_list(exact.text());
  RP_ASSERT(list.addresses.size() <= mail::kHeaderAddressesMax);
  for (const mail::HeaderAddress& entry : list.addresses) {
    RP_ASSERT(!entry.address.empty());
    RP_ASSERT(entry.address.find_first_of("\r\n") == std::string::npos);
    // Three bytes of four of base64 may be three characters of three bytes each, or of two that compose.
    RP_ASSERT(entry.display_name.size() <= 8 * exact.text().size());
  }
  RP_ASSERT(mail::decode_encoded_words(exact.text()).size() <= 8 * exact.text().size());
  const std::string encoded = mail::encode_display_name(exact.text());
  for (const char c : encoded) RP_ASSERT(static_cast<unsigned char>(c) < 128 && c != '\0');
  return 0;
}
