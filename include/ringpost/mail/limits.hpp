// Limits of `mail`, each with its reason.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ringpost::mail {

// RFC 5321 section 4.5.3.1 lets a server take no less than 64, 255 and 256. Bulk senders put the recipient
// into the local part of the return path and so pass 64 every day; the path's limit is the one that holds.
inline constexpr std::size_t kLocalPartSizeMax = 128;
inline constexpr std::size_t kDomainSizeMax = 255;
inline constexpr std::size_t kPathSizeMax = 256;  // with its angle brackets
inline constexpr std::size_t kLabelSizeMax = 63;  // RFC 1035 section 2.3.4
inline constexpr std::size_t kSourceRouteHopsMax = 32;

// RFC 3461 section 5.4: ENVID at most 100 characters, ORCPT at most 500.
inline constexpr std::size_t kEnvidSizeMax = 100;
inline constexpr std::size_t kOrcptSizeMax = 500;

// RFC 5321 section 4.5.3.1.5: a reply line has 512 octets with its CRLF. A client must survive longer ones.
inline constexpr std::size_t kReplyLineSizeMax = 512;
inline constexpr std::size_t kReplyLinesMax = 100;           // EHLO of the largest servers has 30
inline constexpr std::size_t kReplyTextSizeMax = 16 * 1024;  // what is kept of a reply; the rest is dropped

// RFC 5322 section 2.1.1: a line should have 78 characters and must not have more than 998.
inline constexpr std::size_t kLineSizeShould = 78;
inline constexpr std::size_t kLineSizeMax = 998;
inline constexpr std::size_t kHeaderFieldsMax = 10'000;     // read of one message; the rest counts as body
inline constexpr std::size_t kHeaderAddressesMax = 10'000;  // taken from To, Cc and Bcc of one message
inline constexpr std::size_t kHeaderCommentDepthMax = 32;   // comments inside comments

// RFC 5321 section 4.5.3.1.8 asks for 100, and a bulk transaction has up to 1000. A message that is moved in the spool stands
// in one frame of 1 MiB with its envelope and what has become of each recipient: this many fit, with a body of 256 KiB and
// kEnvelopeTextTaken of addresses. src/spool/carry.cpp does the sum.
inline constexpr std::size_t kRecipientsMax = 8'000;
// Addresses and parameters of one envelope: 49 bytes for each of so many recipients, or 500 recipients whose addresses and
// parameters all have their longest form. One that is copied and changed in memory may for a while hold more.
inline constexpr std::size_t kEnvelopeTextTaken = 384 * 1024;
inline constexpr std::size_t kEnvelopeTextMax = 64 * 1024 * 1024;  // offsets are 32 bits
inline constexpr std::size_t kFactTextMax = 1024;                  // one text of ArrivalFacts; longer is cut
inline constexpr std::uint32_t kReceivedCountMax = 65'535;

// The MIME tree that is kept of a message. Real mail is at most some ten deep and has some hundred parts (digests); what is
// beyond is text of the part that it stands in.
inline constexpr std::size_t kMimeDepthMax = 64;
inline constexpr std::size_t kMimePartsMax = 1000;
// One field of those that the tree keeps (To of a letter to a thousand people has 40 KiB); the rest of it is dropped.
inline constexpr std::size_t kMimeFieldBytesMax = 64 * 1024;
// All texts of one record, so that it fits a journal frame beside its message; fields beyond are left out.
inline constexpr std::size_t kMimeTextBytesMax = 256 * 1024;
inline constexpr std::size_t kMimeBoundaryBytesMax =
    1024;  // RFC 2046 section 5.1.1 allows 70, and programs send more
inline constexpr std::size_t kMimeParametersMax = 100;  // of one field

inline constexpr std::size_t kCharsetNameSizeMax = 64;  // RFC 2978 section 2.3 asks for 40

// A header block returned by a delivery report; the rest is cut at a line.
inline constexpr std::size_t kDsnHeaderBytesMax = 64 * 1024;
inline constexpr std::size_t kDsnRecipientsMax = 1000;  // named in one report; RFC 3464 sets no bound

// An aliases or .forward file: larger ones belong in a database.
inline constexpr std::size_t kAliasFileSizeMax = 256 * 1024 * 1024;
inline constexpr std::size_t kAliasTargetsMax = 100'000;  // of one name
inline constexpr std::size_t kAliasErrorsMax = 100;       // reported of one file
inline constexpr std::size_t kAliasTargetSizeMax = 4096;

}  // namespace ringpost::mail
