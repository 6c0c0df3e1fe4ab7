// Limits of the view of a message, each with its reason. Where rules depend on one, it is SpamAssassin's.
#pragma once

#include <cstddef>

namespace ringpost::filter {

// Header. SpamAssassin's; a longer name or value is cut, fields beyond the whole are left out of ALL.
inline constexpr std::size_t kFieldNameSizeMax = 256;
inline constexpr std::size_t kFieldValueSizeMax = 8192;
inline constexpr std::size_t kAllFieldsSizeMax = 65'536;
inline constexpr std::size_t kBadFieldLinesMax =
    3;  // lines that are no field, before the body is said to begin
inline constexpr std::size_t kFieldAddressesMax = 1'000;  // taken from one field value of at most 8 KiB
inline constexpr std::size_t kHostSizeMax = 255;  // RFC 1035 section 2.3.4: a longer word is no host's name
inline constexpr std::size_t kRelaysMax = 200;            // twice what RFC 5321 section 6.3 calls a loop

// MIME. SpamAssassin stops at 20 levels and at 1000 parts of one multipart; the second holds here for the whole mail.
inline constexpr std::size_t kPartDepthMax = 20;
inline constexpr std::size_t kPartsMax = 1'000;
inline constexpr std::size_t kBlankLinesMax = 20;  // of a run; more say nothing new

// Text. Chunks of `rawbody` have 2 to 4 KiB, lines of `body` at most 2 KiB.
inline constexpr std::size_t kTextLineSizeMax = 2048;
// One part's text for `body` and `rawbody` (body_part_scan_size, rawbody_part_scan_size).
inline constexpr std::size_t kBodyPartSizeMax = 50'000;
inline constexpr std::size_t kRawBodyPartSizeMax = 500'000;
inline constexpr std::size_t kTextCutSlackMax = 1024;  // looked further for a good place to cut

// HTML that is one tag in another: styles kept, each a few words.
inline constexpr std::size_t kStyleDepthMax = 1'000;
// How far the words of a "<!DOCTYPE" go: what has no end by then is a comment up to its first '>'.
inline constexpr std::size_t kDeclarationSizeMax = 1'024;
inline constexpr std::size_t kHtmlAttributesMax = 200;  // of one tag; the rest is skipped
inline constexpr std::size_t kAnchorTextsMax = 10'000;  // of one part

// URIs. Each may bring some variants, and one hidden in it.
inline constexpr std::size_t kUriSizeMax = 8192;
inline constexpr std::size_t kUrisMax = 5'000;          // of one mail
inline constexpr std::size_t kUriRedirectionsMax = 10;  // one in another in another

}  // namespace ringpost::filter
