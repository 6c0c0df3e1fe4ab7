// What the log tells of one user, while it is read: the newest whole snapshot, and the changes behind it.
//
// Layer: durable, private, without I/O. Owner: a store that opens, or who only looks.
// Order: records of one shard come in order, but several shards come one after the other, and what was carried comes late. So
//        a change waits here until the one before it has come.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "ringpost/journal/records.hpp"

#include "account.hpp"
#include "records.hpp"

namespace ringpost::store {

class Returning {
 public:
  explicit Returning(UserId id) : account_(std::make_unique<Account>(id)) {}

  void change(const journal::RecordView& view);
  void snapshot(const journal::RecordView& view);
  // What another core has read of the same user.
  struct Export {
    bool has_base = false;
    std::uint64_t base_lsn = 0;
    std::vector<std::byte> base;
    std::map<std::uint64_t, std::vector<std::byte>> changes;
  };
  Export give() const;
  void take(const Export& from);
  // Applies what still waits over the gaps. Each gap: first and last number that are missing.
  std::vector<std::pair<std::uint64_t, std::uint64_t>> finish();

  std::uint64_t newest() const {
    return waiting_.empty() ? account_->lsn() : std::max(account_->lsn(), waiting_.rbegin()->first);
  }
  std::size_t waiting() const { return waiting_.size(); }
  std::uint64_t senseless() const { return senseless_; }
  bool taken() const { return taken_; }  // something came from another core

  // ---- the result
  std::unique_ptr<Account> account() { return std::move(account_); }
  const Account& now() const { return *account_; }
  // Records of this log that count, once it is finished: of the snapshot, and of changes behind it by number.
  std::vector<journal::Location> snapshot_places;
  std::map<std::uint64_t, journal::Location> change_places;
  std::uint64_t snapshot_size = 0;
  std::uint64_t change_bytes() const;
  // All of them, with those of changes that still wait.
  std::vector<journal::Location> places() const;

 private:
  struct Pieces {
    std::uint64_t lsn = 0;
    std::uint64_t size = 0;
    std::vector<std::vector<std::byte>> pieces;
    std::vector<journal::Location> places;
    std::size_t present = 0;
  };
  struct Waiting {
    std::vector<std::byte> change;
    journal::Location where;  // nowhere: of another core
  };
  void whole(Pieces& pieces);
  void base(std::unique_ptr<Account> account);
  void go_on();

  std::unique_ptr<Account> account_;
  std::map<std::uint64_t, Waiting> waiting_;  // by number
  std::map<std::uint64_t, Pieces> pieces_;    // by stamp
  std::uint64_t senseless_ = 0;
  bool taken_ = false;
};

}  // namespace ringpost::store
