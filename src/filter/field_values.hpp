// What a header rule's name stands for: fields, pseudo-fields, and what is taken out of them.
//
// Layer:   private to `filter`.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ringpost/filter/message_view.hpp"

#include "header_fields.hpp"

namespace ringpost::filter {

// A name that is no field's alone: it stands for more than one, or for none.
bool is_pseudo_field(std::string_view name);
std::string to_string(const HeaderRequest& request);
std::vector<std::string> field_values(const MessageView& view, const MessageText& text,
                                      const HeaderRequest& request);
// Of ALL, ALL-TRUSTED and their like: field by field. Nothing for another request.
std::optional<std::span<const std::string_view>> all_fields(const MessageView& view,
                                                            const HeaderRequest& request);
// Of a request that is neither `pseudo` nor takes anything out of fields: all fields of that name, as MessageView::header has them.
std::string joined_fields(const HeaderFields& fields, const HeaderRequest& request);
// The envelope's sender as trace fields tell it, where it can be believed.
std::optional<std::string> find_envelope_from(const MessageView& view);

}  // namespace ringpost::filter
