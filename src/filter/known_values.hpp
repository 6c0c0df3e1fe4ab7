// What a mail has for each header request that was asked for: rules ask for some hundred, again and again.
//
// Layer:   private to `filter`.
// Owner:   a MessageView. Keys and values are not copied; who has none that last keeps them here.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ringpost::filter {

class KnownValues {
 public:
  using Value = std::optional<std::string_view>;

  // Nothing: nobody asked yet. Until the next one is added.
  const Value* find(std::string_view key, std::size_t hash) const {
    for (std::size_t at = hash & mask();; at = (at + 1) & mask()) {
      if (places_[at] == 0) return nullptr;
      const Entry& entry = entries_[places_[at] - 1];
      if (entry.hash == hash && entry.key == key) return &entry.value;
    }
  }
  // Of a key that is not there.
  Value add(std::string_view key, std::size_t hash, Value value) {
    entries_.push_back({key, hash, value});
    if (entries_.size() * 2 > places_.size()) {
      places_.assign(places_.size() * 2, 0);
      for (std::uint32_t number = 1; number <= entries_.size(); ++number) place(number);
    } else {
      place(static_cast<std::uint32_t>(entries_.size()));
    }
    return value;
  }
  Value add_text(std::string_view key, std::size_t hash, std::string text) {
    kept_.push_back(std::move(text));
    return add(key, hash, kept_.back());
  }
  std::string_view kept(std::string_view text) { return kept_.emplace_back(text); }

 private:
  struct Entry {
    std::string_view key;
    std::size_t hash = 0;
    Value value;
  };
  std::size_t mask() const { return places_.size() - 1; }
  void place(std::uint32_t number) {
    std::size_t at = entries_[number - 1].hash & mask();
    while (places_[at] != 0) at = (at + 1) & mask();
    places_[at] = number;
  }

  static constexpr std::size_t kPlacesUsual = 512;
  std::vector<Entry> entries_;
  std::vector<std::uint32_t> places_ =
      std::vector<std::uint32_t>(kPlacesUsual, 0);  // a power of two; an entry's number plus one
  std::deque<std::string> kept_;
};

}  // namespace ringpost::filter
