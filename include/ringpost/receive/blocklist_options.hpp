// [blocklist.NAME]: a DNS list of addresses or names, and what it means to be on it.
//
// Layer: base only. Read by receive::Blocklists; a reload swaps them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ringpost/base/address.hpp"
#include "ringpost/base/options.hpp"

namespace ringpost::receive {

// What is looked up in the list.
enum class BlocklistCheck : std::uint8_t { client, reverse_client, helo, sender, recipient };
constexpr auto option_choices(const BlocklistCheck*) {
  return std::to_array<Choice<BlocklistCheck>>({{"client", BlocklistCheck::client},
                                                {"reverse_client", BlocklistCheck::reverse_client},
                                                {"helo", BlocklistCheck::helo},
                                                {"sender", BlocklistCheck::sender},
                                                {"recipient", BlocklistCheck::recipient}});
}
enum class BlocklistAct : std::uint8_t { reject, allow };
constexpr auto option_choices(const BlocklistAct*) {
  return std::to_array<Choice<BlocklistAct>>(
      {{"reject", BlocklistAct::reject}, {"allow", BlocklistAct::allow}});
}
enum class BlocklistStage : std::uint8_t { recipient, connect };
constexpr auto option_choices(const BlocklistStage*) {
  return std::to_array<Choice<BlocklistStage>>(
      {{"recipient", BlocklistStage::recipient}, {"connect", BlocklistStage::connect}});
}

struct BlocklistOptions {
  std::string zone;
  BlocklistCheck check = BlocklistCheck::client;
  BlocklistAct act = BlocklistAct::reject;
  std::vector<std::string> answers;
  std::int32_t weight = 1;
};
const OptionTable& option_table(const BlocklistOptions*);

// [blocklists]: what holds for all of them.
struct BlocklistsOptions {
  std::vector<Network> allow;
  std::int32_t threshold = 1;
  Duration timeout = std::chrono::seconds(5);
  BlocklistStage stage = BlocklistStage::recipient;
};
const OptionTable& option_table(const BlocklistsOptions*);

}  // namespace ringpost::receive
