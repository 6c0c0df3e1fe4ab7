// What is stored of a message: our Received line, what a submission lacks, the marks of the filter, and the body without what
// they cut out.
//
// Layer: paths, private.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "ringpost/filter/marks.hpp"
#include "ringpost/scan/body_facts.hpp"

namespace ringpost::intake {

// Appends `body` without the cuts, which lie within it.
void append_without(std::span<const std::byte> body, std::span<const filter::Marks::Cut> cuts,
                    std::vector<std::span<const std::byte>>& out);

// The facts of the body as it came, for the message as stored. `before`: what stands before the marks.
scan::BodyFacts stored_facts(const scan::BodyFacts& body, std::uint64_t before, const filter::Marks& marks);

}  // namespace ringpost::intake
