// Pictures: how many, how large, beside how much text.
#include <algorithm>
#include <array>
#include <set>

#include "ringpost/filter/parts.hpp"
#include "ringpost/filter/rules.hpp"

#include "characters.hpp"
#include "eval_families.hpp"
#include "eval_support.hpp"

namespace ringpost::filter {

namespace {

struct Extent {
  std::uint32_t width = 0;
  std::uint32_t height = 0;
};

std::uint32_t little_16(std::string_view data, std::size_t at) {
  return static_cast<std::uint8_t>(data[at]) |
         static_cast<std::uint32_t>(static_cast<std::uint8_t>(data[at + 1])) << 8U;
}
std::uint32_t big_16(std::string_view data, std::size_t at) {
  return static_cast<std::uint32_t>(static_cast<std::uint8_t>(data[at])) << 8U |
         static_cast<std::uint8_t>(data[at + 1]);
}
std::uint32_t big_32(std::string_view data, std::size_t at) {
  return big_16(data, at) << 16U | big_16(data, at + 2);
}

Extent gif_extent(std::string_view data) {
  if (data.size() < 10 || (!data.starts_with("GIF87a") && !data.starts_with("GIF89a"))) return {};
  return {little_16(data, 6), little_16(data, 8)};
}

// The header is the first chunk of every good picture.
Extent png_extent(std::string_view data) {
  if (!data.starts_with("\x89PNG\r\n\x1A\n") || data.size() < 24 || data.substr(12, 4) != "IHDR") return {};
  return {big_32(data, 16), big_32(data, 20)};
}

// Blocks, up to the one that begins a frame.
Extent jpeg_extent(std::string_view data) {
  if (!data.starts_with("\xFF\xD8")) return {};
  for (std::size_t at = 2; at + 4 <= data.size();) {
    const auto mark = static_cast<std::uint8_t>(data[at + 1]);
    const std::uint32_t size = big_16(data, at + 2);
    if (data[at] != '\xFF' || mark == 0xDA || mark == 0xD9 || size < 2) return {};
    const bool frame = mark >= 0xC0 && mark <= 0xCF && mark != 0xC4 && mark != 0xC8 && mark != 0xCC;
    if (frame) return at + 9 <= data.size() ? Extent{big_16(data, at + 7), big_16(data, at + 5)} : Extent{};
    at += 2 + size;
  }
  return {};
}

enum class Kind : unsigned char { gif, png, jpeg, all };
constexpr std::size_t kKinds = 4;

struct Images {
  bool made = false;
  std::array<std::size_t, kKinds> counts{};
  std::array<double, kKinds> areas{};
  std::array<std::vector<Extent>, kKinds> extents;
  std::set<std::string, std::less<>> names;
};

std::optional<Kind> kind_of(std::string_view name) {
  if (name == "gif") return Kind::gif;
  if (name == "png") return Kind::png;
  if (name == "jpeg" || name == "jpg") return Kind::jpeg;
  return name == "all" ? std::optional(Kind::all) : std::nullopt;
}

const Images& images(const EvalCall& call) {
  auto& found = call.scratch.of<Images>();
  if (found.made) return found;
  found.made = true;
  for (const MimePart& part : call.message.parts().parts) {
    if (!part.leaf || !part.type.starts_with("image/") ||
        !equal_nocase(part.field("content-transfer-encoding"), "base64"))
      continue;
    const auto kind = kind_of(std::string_view(part.type).substr(6));
    if (!kind || *kind == Kind::all) continue;
    const std::string& data = part.decoded();
    const Extent extent = *kind == Kind::gif   ? gif_extent(data)
                          : *kind == Kind::png ? png_extent(data)
                                               : jpeg_extent(data);
    for (const Kind one : {*kind, Kind::all}) {
      const auto index = static_cast<std::size_t>(one);
      ++found.counts[index];
      if (extent.width == 0 || extent.height == 0) continue;
      found.areas[index] += static_cast<double>(extent.width) * extent.height;
      found.extents[index].push_back(extent);
    }
    if (extent.width > 0 && extent.height > 0 && !part.name.empty()) found.names.insert(part.name);
  }
  return found;
}

EvalAnswer within(double value, Arguments arguments, std::size_t first) {
  return EvalAnswer::of(value >= number(arguments, first, 0) &&
                        (!is_given(arguments, first + 1) || value <= number(arguments, first + 1, 0)));
}

EvalAnswer image_count(const EvalCall& call, Arguments arguments) {
  const auto kind = kind_of(arguments[0]);
  return kind
             ? within(static_cast<double>(images(call).counts[static_cast<std::size_t>(*kind)]), arguments, 1)
             : EvalAnswer::of(false);
}

EvalAnswer pixel_coverage(const EvalCall& call, Arguments arguments) {
  const auto kind = kind_of(arguments[0]);
  return kind ? within(images(call).areas[static_cast<std::size_t>(*kind)], arguments, 1)
              : EvalAnswer::of(false);
}

EvalAnswer image_named(const EvalCall& call, Arguments arguments) {
  return EvalAnswer::of(images(call).names.contains(arguments[0]));
}

EvalAnswer image_size_exact(const EvalCall& call, Arguments arguments) {
  const auto kind = kind_of(arguments[0]);
  if (!kind) return EvalAnswer::of(false);
  const auto& extents = images(call).extents[static_cast<std::size_t>(*kind)];
  return EvalAnswer::of(std::ranges::any_of(extents, [&](const Extent& one) {
    return one.height == number(arguments, 1, 0) && one.width == number(arguments, 2, 0);
  }));
}

EvalAnswer image_size_range(const EvalCall& call, Arguments arguments) {
  const auto kind = kind_of(arguments[0]);
  if (!kind) return EvalAnswer::of(false);
  const auto& extents = images(call).extents[static_cast<std::size_t>(*kind)];
  return EvalAnswer::of(std::ranges::any_of(extents, [&](const Extent& one) {
    return one.height >= number(arguments, 1, 0) && one.width >= number(arguments, 2, 0) &&
           (!is_given(arguments, 3) || one.height <= number(arguments, 3, 0)) &&
           (!is_given(arguments, 4) || one.width <= number(arguments, 4, 0));
  }));
}

// The size of the text for each pixel. A `body` rule asks about the rendered text, a `rawbody` rule about the other.
EvalFactory image_to_text_ratio() {
  return [](const EvalSetup& setup) -> Result<EvalFunction> {
    if (setup.arguments.size() != 3 || !kind_of(setup.arguments[0]))
      return fail(ErrorKind::permanent, "takes a kind of image and two ratios");
    return [arguments = std::vector<std::string>(setup.arguments.begin(), setup.arguments.end()),
            raw = setup.area == RuleArea::rawbody](const EvalCall& call) {
      std::size_t text = 0;
      for (const std::string& line : raw ? call.message.rawbody() : call.message.body()) text += line.size();
      const double area = images(call).areas[static_cast<std::size_t>(*kind_of(arguments[0]))];
      if (text == 0 || area <= 0) return EvalAnswer::of(false);
      const double ratio = static_cast<double>(text) / area;
      return EvalAnswer::of(ratio >= number(arguments, 1, 0) && ratio < number(arguments, 2, 0));
    };
  };
}

}  // namespace

void add_image_evals(EvalRegistry& registry) {
  registry.add("image_count", {2, 3}, image_count);
  registry.add("pixel_coverage", {2, 3}, pixel_coverage);
  registry.add("image_named", {1, 1}, image_named);
  registry.add("image_size_exact", {3, 3}, image_size_exact);
  registry.add("image_size_range", {3, 5}, image_size_range);
  registry.add("image_to_text_ratio", image_to_text_ratio());
}

}  // namespace ringpost::filter
