// MIME: encodings, charsets, what parts there are.
#include <algorithm>

#include "ringpost/filter/parts.hpp"

#include "characters.hpp"
#include "eval_families.hpp"
#include "eval_support.hpp"
#include "mime_shape.hpp"

namespace ringpost::filter {

namespace {

bool is_text_html(const EvalCall& call) {
  return starts_nocase(text_of(call, "Content-Type"), "text/html");
}

using Property = bool (*)(const MimeShape& shape);
constexpr std::pair<std::string_view, Property> kProperties[] = {
    {"mime_base64_count", [](const MimeShape& shape) { return shape.base64_count > 0; }},
    {"mime_base64_encoded_text", [](const MimeShape& shape) { return shape.base64_text; }},
    {"mime_body_html_count", [](const MimeShape& shape) { return shape.html_count > 0; }},
    {"mime_body_text_count", [](const MimeShape& shape) { return shape.text_count > 0; }},
    {"mime_attachment", [](const MimeShape& shape) { return shape.attachment_count > 0; }},
    {"mime_bad_iso_charset", [](const MimeShape& shape) { return shape.bad_iso_charset; }},
    {"mime_missing_boundary", [](const MimeShape& shape) { return shape.missing_boundary; }},
    {"mime_multipart_alternative", [](const MimeShape& shape) { return shape.alternative; }},
    {"mime_multipart_ratio", [](const MimeShape& shape) { return shape.multipart_ratio != 0; }},
    {"mime_qp_count", [](const MimeShape& shape) { return shape.qp_count > 0; }},
    {"mime_qp_long_line", [](const MimeShape& shape) { return shape.qp_long_line; }},
    {"mime_qp_ratio", [](const MimeShape& shape) { return shape.qp_ratio != 0; }},
    {"mime_ascii_text_illegal", [](const MimeShape& shape) { return shape.illegal_ascii_lines > 0; }},
    {"mime_text_unicode_ratio", [](const MimeShape& shape) { return shape.unicode_ratio > 0; }},
    {"mimepart_limit_exceeded", [](const MimeShape& shape) { return shape.part_limit_exceeded; }},
};

Result<EvalFunction> check_for_mime(const EvalSetup& setup) {
  if (setup.arguments.size() != 1) return fail(ErrorKind::permanent, "takes the name of a property");
  for (const auto& [name, property] : kProperties)
    if (name == setup.arguments[0])
      return [property](const EvalCall& call) { return EvalAnswer::of(property(mime_shape(call))); };
  return [asked = setup.arguments[0] == "mime_faraway_charset",
          locales = Locales(setup.settings)](const EvalCall& call) {
    if (!asked || locales.all()) return EvalAnswer::of(false);
    return EvalAnswer::of(!std::ranges::all_of(
        mime_shape(call).charsets, [&](const std::string& one) { return locales.welcomes(one); }));
  };
}

EvalAnswer check_for_mime_html(const EvalCall& call, Arguments) {
  return EvalAnswer::of(is_text_html(call) || mime_shape(call).html_count > 0);
}

EvalAnswer check_for_mime_html_only(const EvalCall& call, Arguments) {
  const MimeShape& shape = mime_shape(call);
  return EvalAnswer::of(is_text_html(call) || (shape.html_count > 0 && shape.text_count == 0));
}

EvalAnswer check_mime_multipart_ratio(const EvalCall& call, Arguments arguments) {
  const double ratio = mime_shape(call).multipart_ratio;
  return EvalAnswer::of(ratio >= number(arguments, 0, 0) && ratio < number(arguments, 1, 0));
}

EvalAnswer check_for_ascii_text_illegal(const EvalCall& call, Arguments) {
  return EvalAnswer::of(mime_shape(call).illegal_ascii_lines > 0);
}

EvalAnswer check_abundant_unicode_ratio(const EvalCall& call, Arguments arguments) {
  return EvalAnswer::of(mime_shape(call).unicode_ratio >= number(arguments, 0, 1));
}

EvalAnswer check_qp_ratio(const EvalCall& call, Arguments arguments) {
  return EvalAnswer::of(mime_shape(call).qp_ratio >= number(arguments, 0, 0));
}

EvalAnswer check_base64_length(const EvalCall& call, Arguments arguments) {
  const auto longest = static_cast<double>(mime_shape(call).base64_line_max);
  if (is_given(arguments, 1) && longest > number(arguments, 1, 0)) return EvalAnswer::of(false);
  return EvalAnswer::of(longest >= number(arguments, 0, 0));
}

EvalAnswer check_msg_parse_flags(const EvalCall& call, Arguments arguments) {
  const ParseFlags flags = call.message.flags();
  const std::string_view name = arguments[0];
  if (name == "missing_head_body_separator") return EvalAnswer::of(flags.missing_header_body_separator);
  if (name == "truncated_header") return EvalAnswer::of(flags.truncated_header);
  if (name == "missing_mime_headers") return EvalAnswer::of(flags.missing_mime_headers);
  if (name == "missing_mime_head_body_separator")
    return EvalAnswer::of(flags.missing_mime_header_body_separator);
  if (name == "mime_epilogue_exists") return EvalAnswer::of(flags.mime_epilogue);
  return EvalAnswer::of(name == "mimepart_limit_exceeded" && flags.part_limit_reached);
}

}  // namespace

void add_mime_evals(EvalRegistry& registry) {
  registry.add("check_for_mime", check_for_mime);
  registry.add("check_for_mime_html", {0, 0}, check_for_mime_html);
  registry.add("check_for_mime_html_only", {0, 0}, check_for_mime_html_only);
  registry.add("check_mime_multipart_ratio", {2, 2}, check_mime_multipart_ratio);
  registry.add("check_for_ascii_text_illegal", {0, 0}, check_for_ascii_text_illegal);
  registry.add("check_abundant_unicode_ratio", {1, 1}, check_abundant_unicode_ratio);
  registry.add("check_qp_ratio", {1, 1}, check_qp_ratio);
  registry.add("check_base64_length", {1, 2}, check_base64_length);
  registry.add("check_msg_parse_flags", {1, 1}, check_msg_parse_flags);
}

}  // namespace ringpost::filter
