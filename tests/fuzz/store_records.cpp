// What the log says of one user, as a disk may give it: 3 bytes for the size of a snapshot, the snapshot, then a change.
#include "ringpost/store/store.hpp"

#include "fuzz_input.hpp"
#include "store/account.hpp"
#include "store/records.hpp"

using namespace ringpost;

namespace {

constexpr store::UserId kUser{1};

// What is in memory, however it came there, is what its snapshot says.
void check_snapshot(const store::Account& account) {
  const auto written = account.snapshot();
  const auto again = store::Account::restore(kUser, account.lsn(), written);
  RP_ASSERT(again != nullptr);
  RP_ASSERT(again->snapshot() == written);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  fuzz::Input input(bytes, size);
  const std::uint32_t snapshot_size = input.number();
  const fuzz::Exact snapshot(input.take(snapshot_size));
  const fuzz::Exact change(input.rest());
  auto account = store::Account::restore(kUser, 1, snapshot.bytes());
  if (account == nullptr) account = std::make_unique<store::Account>(kUser);
  check_snapshot(*account);
  (void)account->apply(change.bytes(), nullptr);
  check_snapshot(*account);
  const journal::RecordView view{.type = static_cast<std::uint8_t>(store::RecordType::change),
                                 .id = MessageId{1},
                                 .payload = change.bytes()};
  RP_ASSERT(!store::describe(view).empty());
  return 0;
}
