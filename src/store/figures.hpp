// What the store counts.
//
// Layer: durable, private.
#pragma once

#include "ringpost/observe/registry.hpp"

namespace ringpost::store {

struct Figures {
  explicit Figures(observe::Registry& registry) {
    registry.add("store_users", "Users whose mailboxes are on this core.", users);
    registry.add("store_messages", "Messages in mailboxes.", messages);
    registry.add("store_message_bytes", "Bytes of the messages in mailboxes; a shared body counts for each.",
                 bytes);
    registry.add("store_blobs", "Stored bodies.", blobs);
    registry.add("store_delivered", "Mails delivered into mailboxes.", delivered);
    registry.add("store_repeated", "Deliveries that had been made before, and were not stored again.",
                 repeated);
    registry.add("store_changes", "Changes written to the log.", changes);
    registry.add("store_snapshots", "Snapshots of users written to the log.", snapshots);
    registry.add("store_snapshot_bytes", "Bytes of these.", snapshot_bytes);
    registry.add("store_moved", "Records moved so that their segment could be freed.", moved);
    registry.add("store_brought", "Messages brought here from another core.", brought);
    registry.add("store_refused", "Changes refused for want of disk or quota, or after a write error.",
                 refused);
    registry.add("store_damaged", "Records and messages of mailboxes that are damaged or missing.", damaged);
    registry.add("store_read_ahead", "Messages read from the disk together with one before them.",
                 read_ahead);
    registry.add("store_read_ahead_bytes", "Bytes of these that are kept.", read_ahead_bytes);
    registry.add("store_arriving", "Users that are being brought here from another core.", arriving);
  }

  observe::Gauge users, messages, bytes, blobs, arriving, read_ahead_bytes;
  observe::Counter delivered, repeated, changes, snapshots, snapshot_bytes, moved, brought, refused, damaged,
      read_ahead;
};

}  // namespace ringpost::store
