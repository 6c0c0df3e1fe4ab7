// One message as SpamAssassin's rules see it: headers decoded, MIME taken apart, HTML rendered, URIs found, relays named.
//
// Layer:   pure. No I/O, clock or thread; a missing fact is said by an empty optional.
// Owner:   one scan on one core. Each view is made when it is first asked for and kept; so a MessageView must not be used by
//          two threads, and is neither copied nor moved. Everything returned points into it and lives as long as it.
// Input:   any bytes. CRLF and LF alike: inside, lines end in LF. The mail should carry the trace fields that this server
//          adds (Received on top), since the first Received field is what the relays are judged by.
// Limits:  filter/view_limits.hpp; beyond one the rest is left out, and `flags()` says so.
// Order:   where SpamAssassin walks a hash in no order, ours is the order of the message.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/filter/view_settings.hpp"
#include "ringpost/patterns/expression.hpp"

namespace ringpost::filter {

struct Facts;       // ringpost/filter/facts.hpp
struct HtmlFacts;   // ringpost/filter/html_facts.hpp
struct RelayChain;  // ringpost/filter/relays.hpp
struct RenderedPart;
struct UriDetail;    // ringpost/filter/uris.hpp
class MessageParts;  // ringpost/filter/parts.hpp
class MimePart;

// "Subject:raw", "From:addr", "ALL", "Received:first:ip": what a `header` rule names. Parse it once, at load.
struct HeaderRequest {
  std::string name;  // as the rule wrote it; compared without case, but ALL and MESSAGEID are upper case
  bool raw = false;
  bool address = false;
  bool display_name = false;
  bool host = false;
  bool domain = false;
  bool ip = false;
  bool reversed_ip = false;
  bool first = false;
  bool last = false;
  std::string key;  // the same for requests that ask the same
  std::size_t key_hash = 0;
  std::uint32_t name_hash = 0;
  bool pseudo = false;  // the name is no field's alone

  bool takes_part() const { return address || display_name || host || ip || first || last; }

  static HeaderRequest parse(std::string_view text);
};

// Oddities of form, for check_msg_parse_flags and for the log.
struct ParseFlags {
  bool missing_header_body_separator = false;
  bool truncated_header = false;
  bool missing_mime_headers = false;
  bool missing_mime_header_body_separator = false;
  bool mime_epilogue = false;
  bool part_limit_reached = false;
  bool uris_truncated = false;
  bool text_truncated = false;
};

class MessageView {
 public:
  // All four outlive the view. Of the facts, `envelope_from` is used where it is known. The scratch is the core's.
  MessageView(std::string_view message, const ViewSettings& settings, const Facts& facts,
              patterns::Scratch& scratch);
  ~MessageView();
  MessageView(const MessageView&) = delete;
  MessageView& operator=(const MessageView&) = delete;

  // --- what rules match against -------------------------------------------------------------------------------------------
  // `header`: the fields of that name, each with its newline, joined; addresses and names joined by newlines without one at
  // the end. nullopt when there is none ([if-unset], exists:). A HeaderRequest outlives the view, which knows values by its key.
  std::optional<std::string_view> header(const HeaderRequest& request) const;
  std::optional<std::string_view> header(HeaderRequest&& request) const = delete;
  std::optional<std::string_view> header(std::string_view request) const;
  bool has_header(const HeaderRequest& request) const;  // `header` has a value
  bool has_header(HeaderRequest&& request) const = delete;
  // The same, one by one.
  std::vector<std::string> header_values(const HeaderRequest& request) const;
  const std::vector<std::string>& header_values(std::string_view request) const;
  // What ALL or ALL:raw is, field by field.
  std::span<const std::string_view> all_fields(bool raw) const;
  // `body`: matched one by one. The first is the subject with its newline.
  std::span<const std::string> body() const;
  // `rawbody`: matched one by one; chunks of 2 to 4 KiB.
  std::span<const std::string> rawbody() const;
  // `full`: the whole mail as it came (its fields named X-Spam-* removed), in LF lines.
  std::string_view full() const;
  // `uri`: each as it stood and as it is understood, no duplicates.
  std::span<const std::string> uris() const;
  // `mimeheader`: every part, containers too, the message itself first. The last field of that name with its newline;
  // `raw` is as it stood. The name ALL is all fields of the part. nullopt: not there (for `raw`: an empty text).
  std::size_t part_count() const;
  std::optional<std::string> part_header(std::size_t part, std::string_view name, bool raw) const;

  // --- what eval functions look at ----------------------------------------------------------------------------------------
  std::string_view header_block() const;  // LF lines with the empty line at the end, if it has one
  std::string_view body_block() const;    // LF lines after it
  std::span<const std::string> visible_body() const;    // as body(), but only what a reader sees
  std::span<const std::string> invisible_body() const;  // what HTML hides, without the subject
  const MessageParts& parts() const;
  const RelayChain& relays() const;
  // Of each HTML part in order; the last is what html_* evals look at.
  std::span<const HtmlFacts* const> html() const;
  std::span<const UriDetail> uri_details() const;
  // Of a part (src/filter/body_text.hpp); null: it is no text that a reader sees.
  const RenderedPart* rendered(std::size_t part) const;
  std::optional<std::string_view> envelope_from() const;
  ParseFlags flags() const;
  const ViewSettings& settings() const;
  const Facts& facts() const;
  patterns::Scratch& scratch() const;  // for the expressions of eval functions

  // Makes everything that rules may ask for, step by step: false when nothing is left to do. A step is bounded by the size of
  // one part, so a long mail can yield in between.
  bool prepare_next() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ringpost::filter
