#include "ringpost/mail/saslprep.hpp"

#include <algorithm>
#include <memory>
#include <vector>

#include <unicode/usprep.h>
#include <unicode/ustring.h>

namespace ringpost::mail {

namespace {

// ICU keeps the tables; opened once for the process, and read by any thread.
const UStringPrepProfile* profile() {
  static const UStringPrepProfile* const kProfile = [] {
    UErrorCode status = U_ZERO_ERROR;
    UStringPrepProfile* opened = usprep_openByType(USPREP_RFC4013_SASLPREP, &status);
    return U_SUCCESS(status) ? opened : nullptr;
  }();
  return kProfile;
}

bool is_plain(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c < 0x7f; });
}

}  // namespace

std::optional<std::string> saslprep(std::string_view text) {
  if (text.empty() || text.size() > kSaslprepBytesMax) return std::nullopt;
  if (is_plain(text)) return std::string(text);
  if (profile() == nullptr) return std::nullopt;
  UErrorCode status = U_ZERO_ERROR;
  // UTF-16 has no more units than UTF-8 has bytes; normalising to NFKC makes a text at most 18 times as long.
  std::vector<UChar> source(text.size());
  std::int32_t length = 0;
  u_strFromUTF8(source.data(), static_cast<std::int32_t>(source.size()), &length, text.data(),
                static_cast<std::int32_t>(text.size()), &status);
  std::vector<UChar> prepared(18 * text.size());
  if (U_SUCCESS(status))
    length = usprep_prepare(profile(), source.data(), length, prepared.data(),
                            static_cast<std::int32_t>(prepared.size()), USPREP_DEFAULT, nullptr, &status);
  std::string result(3 * prepared.size(), '\0');
  std::int32_t size = 0;
  if (U_SUCCESS(status))
    u_strToUTF8(result.data(), static_cast<std::int32_t>(result.size()), &size, prepared.data(), length,
                &status);
  std::ranges::fill(source, UChar{0});
  std::ranges::fill(prepared, UChar{0});
  if (U_FAILURE(status) || size == 0) return std::nullopt;
  result.resize(static_cast<std::size_t>(size));
  return result;
}

}  // namespace ringpost::mail
