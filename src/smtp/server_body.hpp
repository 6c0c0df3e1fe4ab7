// What a server session keeps only while a body travels.
//
// Layer: pure. Owner: the session; made by its first body, reused by the next.
#pragma once

#include <cstdint>
#include <optional>
#include <variant>

#include "ringpost/mail/reply.hpp"
#include "ringpost/scan/data_unstuffer.hpp"
#include "ringpost/smtp/server_session.hpp"

namespace ringpost::smtp {

struct ServerSession::Body {
  std::variant<scan::DataUnstuffer, scan::BodyFactsPass> pass;  // DATA, BDAT
  std::uint64_t chunk_left = 0;                                 // bytes of this chunk still to come
  std::uint64_t chunk_bytes = 0;                                // its size as declared
  bool last_chunk = false;
  bool ended = false;                  // the end of data was seen, finish_body() is due
  bool orphan = false;                 // a chunk outside a transaction: taken, dropped, refused
  Phase resume = Phase::ready;         // where an orphan came upon the session
  std::optional<mail::Reply> refusal;  // set: what still arrives is dropped, then this is said

  bool chunked() const { return std::holds_alternative<scan::BodyFactsPass>(pass); }
  const scan::BodyFacts& facts() const {
    if (const auto* data = std::get_if<scan::DataUnstuffer>(&pass)) return data->facts();
    return std::get<scan::BodyFactsPass>(pass).facts();
  }
};

}  // namespace ringpost::smtp
