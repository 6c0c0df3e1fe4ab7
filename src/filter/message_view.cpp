#include "ringpost/filter/message_view.hpp"

#include <algorithm>
#include <deque>
#include <span>
#include <unordered_map>

#include "ringpost/filter/facts.hpp"
#include "ringpost/filter/html_facts.hpp"
#include "ringpost/filter/parts.hpp"
#include "ringpost/filter/relays.hpp"
#include "ringpost/filter/uris.hpp"
#include "ringpost/filter/view_limits.hpp"

#include "body_text.hpp"
#include "characters.hpp"
#include "field_values.hpp"
#include "header_fields.hpp"
#include "known_values.hpp"
#include "mime_reader.hpp"
#include "relay_chain.hpp"
#include "uri_collection.hpp"

namespace ringpost::filter {

namespace {

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view bytes) const { return std::hash<std::string_view>{}(bytes); }
};

template <class Text>
std::string joined(std::span<const Text> values) {
  std::string text;
  if (values.empty()) return text;
  const bool with_newlines = values.front().ends_with('\n');
  std::size_t size = 0;
  for (const Text& value : values) size += value.size() + 1;
  text.reserve(size);
  for (const Text& value : values) {
    if (&value != &values.front() && !with_newlines) text += '\n';
    text += value;
  }
  return text;
}

}  // namespace

struct MessageView::Impl {
  Impl(std::string_view message, const ViewSettings& view_settings, const Facts& known,
       patterns::Scratch& working)
      : settings(view_settings), facts(known), scratch(working), text(split_message(message)) {
    text.fields.remove_prefix("X-Spam-");
    flags.missing_header_body_separator = text.missing_separator;
    flags.truncated_header = text.truncated;
    whole = text.header + text.body;
  }

  const ViewSettings& settings;
  const Facts& facts;
  patterns::Scratch& scratch;
  MessageText text;
  std::string whole;
  ParseFlags flags;

  std::optional<MessageParts> parts;
  std::optional<RelayChain> relays;
  std::vector<std::optional<RenderedPart>> rendered;  // of each leaf, once made
  std::vector<std::size_t> rendered_at;               // of each part, its place there
  std::vector<const HtmlFacts*> html;
  std::vector<std::string> body, rawbody;
  std::optional<std::vector<std::string>> visible, invisible;
  std::optional<std::vector<std::string_view>> all, all_raw;
  std::optional<UriCollection> uris;
  bool rendered_made = false;
  bool rawbody_made = false;
  std::optional<std::optional<std::string>> envelope_from;
  KnownValues values;              // by request, as it was written or as it is read
  std::deque<HeaderRequest> read;  // those that were written
  std::unordered_map<std::string, std::vector<std::string>, TextHash, std::equal_to<>> value_lists;

  // Most fields that rules ask for are not there, which is seen at once.
  bool lacks(std::string_view request) const {
    const std::string_view name = request.substr(0, request.find(':'));
    return text.fields.last(name) == nullptr && !is_pseudo_field(name);
  }

  const MessageParts& get_parts() {
    if (!parts) {
      parts = MimeReader().read(text.fields, text.body);
      flags.missing_mime_headers = parts->missing_mime_headers;
      flags.missing_mime_header_body_separator = parts->missing_mime_header_body_separator;
      flags.mime_epilogue = parts->mime_epilogue;
      flags.part_limit_reached = parts->part_limit_reached;
    }
    return *parts;
  }

  const RelayChain& get_relays() {
    if (!relays) {
      std::vector<std::string> received;
      text.fields.each_named("received", [&](const Field& field) { received.emplace_back(field.decoded()); });
      for (const std::string& name : settings.originating_ip_headers) {
        const std::string_view value = text.fields.value(name);
        const AddressPlace place = find_ip_address(value);
        if (place.size > 0)
          received.push_back("from X-Originating-IP: " + std::string(value.substr(place.begin, place.size)));
      }
      relays = judge_relays(received, settings);
    }
    return *relays;
  }

  void make_rendered() {
    if (rendered_made) return;
    rendered_made = true;
    for (const MimePart& part : get_parts().parts) {
      const bool shown = part.leaf && !part.type.empty();
      rendered_at.push_back(shown ? rendered.size() : kNowhere);
      if (shown) rendered.push_back(render_part(part));
    }
    body = lines_of(subject(), &RenderedPart::all);
    for (const auto& part : rendered)
      if (part && part->html) html.push_back(&*part->html);
  }

  std::string subject() const {
    return text.fields.last("subject") == nullptr ? "\n" : std::string(text.fields.value("subject")) + "\n";
  }
  std::vector<std::string> lines_of(const std::string& first, WideText RenderedPart::* which) const {
    std::vector<const WideText*> list;
    for (const auto& part : rendered) list.push_back(part ? &((*part).*which) : nullptr);
    return body_lines(first, list);
  }
  const std::vector<std::string>& get_visible() {
    make_rendered();
    if (!visible) visible = lines_of(subject(), &RenderedPart::visible);
    return *visible;
  }
  const std::vector<std::string>& get_invisible() {
    make_rendered();
    if (!invisible) invisible = lines_of("", &RenderedPart::invisible);
    return *invisible;
  }

  void make_rawbody() {
    if (rawbody_made) return;
    rawbody_made = true;
    for (const MimePart& part : get_parts().parts) {
      const std::string_view type = part.effective_type();
      const auto is_kind = [&](std::string_view kind) {
        return type.starts_with(kind) && (type.size() == kind.size() || !is_word(type[kind.size()]));
      };
      if (part.leaf && (is_kind("text") || is_kind("message")) && part.type != "text/calendar")
        append_raw_chunks(part.decoded(), rawbody);
    }
  }

  const UriCollection& get_uris(const MessageView& view) {
    if (uris) return *uris;
    make_rendered();
    UriCollection found(settings, scratch);
    for (const std::string& line : body) found.add_text(line);
    for (const auto& part : rendered)
      if (part && part->html) found.add_html(*part->html, part->wide_source);
    if (settings.parse_dkim_uris)
      for (const std::string_view name : {"DomainKey-Signature", "DKIM-Signature"})
        for (const std::string& value : view.header_values(name)) found.add_signature(value);
    found.finish();
    flags.uris_truncated = found.truncated();
    uris = std::move(found);
    return *uris;
  }
};

MessageView::MessageView(std::string_view message, const ViewSettings& settings, const Facts& facts,
                         patterns::Scratch& scratch)
    : impl_(std::make_unique<Impl>(message, settings, facts, scratch)) {}
MessageView::~MessageView() = default;

// --- header fields ---

const std::vector<std::string>& MessageView::header_values(std::string_view request) const {
  static const std::vector<std::string> kNone;
  if (impl_->lacks(request)) return kNone;
  auto found = impl_->value_lists.find(request);
  if (found == impl_->value_lists.end())
    found = impl_->value_lists.try_emplace(std::string(request), header_values(HeaderRequest::parse(request)))
                .first;
  return found->second;
}

std::vector<std::string> MessageView::header_values(const HeaderRequest& request) const {
  return field_values(*this, impl_->text, request);
}

bool MessageView::has_header(const HeaderRequest& request) const {
  if (request.pseudo || request.takes_part()) return header(request).has_value();
  return impl_->text.fields.last(request.name, request.name_hash) != nullptr;
}

std::optional<std::string_view> MessageView::header(const HeaderRequest& request) const {
  const Field* last = nullptr;
  if (!request.pseudo) {
    last = impl_->text.fields.last(request.name, request.name_hash);
    if (last == nullptr) return std::nullopt;
  }
  if (const auto* known = impl_->values.find(request.key, request.key_hash)) return *known;
  const auto keep = [&](std::string text) {
    return impl_->values.add_text(request.key, request.key_hash, std::move(text));
  };
  if (last == nullptr || request.takes_part()) {
    const auto give = [&](auto values) {
      return values.empty() ? impl_->values.add(request.key, request.key_hash, std::nullopt)
                            : keep(joined(values));
    };
    if (const auto fields = filter::all_fields(*this, request)) return give(*fields);
    return give(std::span<const std::string>(header_values(std::string_view(request.key))));
  }
  // One alone is where it is.
  if (impl_->text.fields.first(request.name, request.name_hash) != last)
    return keep(joined_fields(impl_->text.fields, request));
  return impl_->values.add(request.key, request.key_hash, request.raw ? last->raw() : last->decoded_line());
}

std::optional<std::string_view> MessageView::header(std::string_view request) const {
  if (impl_->lacks(request)) return std::nullopt;
  const std::size_t hash = TextHash{}(request);
  if (const auto* known = impl_->values.find(request, hash)) return *known;
  const HeaderRequest& read = impl_->read.emplace_back(HeaderRequest::parse(request));
  const auto value = header(read);
  // Where it is written as it is read, that has made it known.
  if (impl_->values.find(request, hash) == nullptr)
    impl_->values.add(impl_->values.kept(request), hash, value);
  return value;
}

std::span<const std::string_view> MessageView::all_fields(bool raw) const {
  auto& known = raw ? impl_->all_raw : impl_->all;
  if (!known) known = raw ? raw_fields(impl_->text.header) : impl_->text.fields.lines();
  return *known;
}

std::optional<std::string_view> MessageView::envelope_from() const {
  auto& known = impl_->envelope_from;
  if (!known) {
    known.emplace();
    known = impl_->facts.envelope_from ? impl_->facts.envelope_from : find_envelope_from(*this);
  }
  return *known ? std::optional<std::string_view>(**known) : std::nullopt;
}

// --- text ---

std::span<const std::string> MessageView::body() const {
  impl_->make_rendered();
  return impl_->body;
}
std::span<const std::string> MessageView::visible_body() const {
  return impl_->get_visible();
}
std::span<const std::string> MessageView::invisible_body() const {
  return impl_->get_invisible();
}
std::span<const HtmlFacts* const> MessageView::html() const {
  impl_->make_rendered();
  return impl_->html;
}
const RenderedPart* MessageView::rendered(std::size_t part) const {
  impl_->make_rendered();
  const std::size_t at = impl_->rendered_at[part];
  return at == kNowhere || !impl_->rendered[at] ? nullptr : &*impl_->rendered[at];
}
std::span<const std::string> MessageView::rawbody() const {
  impl_->make_rawbody();
  return impl_->rawbody;
}
std::string_view MessageView::full() const {
  return impl_->whole;
}
std::string_view MessageView::header_block() const {
  return impl_->text.header;
}
std::string_view MessageView::body_block() const {
  return impl_->text.body;
}
std::span<const std::string> MessageView::uris() const {
  return impl_->get_uris(*this).uris();
}
std::span<const UriDetail> MessageView::uri_details() const {
  return impl_->get_uris(*this).details();
}

// --- parts ---

const MessageParts& MessageView::parts() const {
  return impl_->get_parts();
}
std::size_t MessageView::part_count() const {
  return parts().parts.size();
}
std::optional<std::string> MessageView::part_header(std::size_t part, std::string_view name, bool raw) const {
  const HeaderFields& fields = parts().parts[part].fields();
  if (name == "ALL") {
    std::string all;
    if (raw)
      for (const std::string& line : fields.raw_lines()) all += line;
    else
      for (const std::string_view line : fields.lines()) all += line;
    return all;
  }
  const Field* field = fields.last(name);
  if (raw) return std::string(field == nullptr ? std::string_view{} : field->raw());
  return field == nullptr ? std::nullopt : std::optional(std::string(field->decoded_line()));
}

const RelayChain& MessageView::relays() const {
  return impl_->get_relays();
}
ParseFlags MessageView::flags() const {
  (void)impl_->get_parts();
  return impl_->flags;
}
const ViewSettings& MessageView::settings() const {
  return impl_->settings;
}
const Facts& MessageView::facts() const {
  return impl_->facts;
}
patterns::Scratch& MessageView::scratch() const {
  return impl_->scratch;
}

bool MessageView::prepare_next() const {
  if (!impl_->parts) return (void)impl_->get_parts(), true;
  if (!impl_->relays) return (void)impl_->get_relays(), true;
  if (!impl_->rendered_made) return impl_->make_rendered(), true;
  if (!impl_->rawbody_made) return impl_->make_rawbody(), true;
  if (!impl_->uris) return (void)impl_->get_uris(*this), true;
  return false;
}

}  // namespace ringpost::filter
