// The bounds of the input and output seam.
//
// Layer: runtime (base).
#pragma once

#include <cstddef>
#include <cstdint>

#include "ringpost/base/units.hpp"

namespace ringpost::io {

// Operations in flight on one backend. A core with 200,000 connections has two or three for each; past it a
// new one completes at once with -EAGAIN.
inline constexpr std::uint32_t kOperationsMax = 1U << 20;
// Vectors of one operation: what the kernel takes (IOV_MAX). One more completes with -EINVAL.
inline constexpr std::uint32_t kVectorsMax = 1024;
// Bytes of one operation: the kernel moves no more in one call, and the result must fit 31 bits.
inline constexpr std::uint64_t kOperationBytesMax = 0x7fff'f000;
// Descriptors for which the rules of use are checked; the usual hard limit of a process (nr_open) is the same.
inline constexpr std::int32_t kDescriptorsMax = 1 << 20;
// What one connection may take from the receive buffers at a time, before the others have had their turn.
inline constexpr Bytes kReceiveTurn{64U << 10};
// Connections that one listener may hand over in one turn (epoll, sim): the rest wait in the backlog.
inline constexpr unsigned kAcceptTurn = 64;
// Re-entries of the kernel in one poll() to collect what it still holds back (it hands over 20 at a time).
inline constexpr unsigned kReentriesMax = 64;
// A cancel that the kernel did not find a target for, though the target is alive, is repeated so often.
inline constexpr unsigned kCancelTriesMax = 8;
// Worker threads that the kernel may use for one ring, for files and for everything else: writes to a
// preallocated file need none.
inline constexpr unsigned kRingWorkers = 2;
// One write of zeros when a file is prepared: large enough for the device's full speed.
inline constexpr Bytes kZeroChunk{1U << 20};

// The simulator: bytes sent and not yet read on one direction of a connection, as a kernel's socket buffers
// would hold;
inline constexpr std::uint64_t kSimWindow = 256U << 10;
// handles open at once unless told otherwise;
inline constexpr std::size_t kSimDescriptors = 1U << 16;
// how often a connect knocks at a full backlog, once a second, before it times out;
inline constexpr unsigned kSimConnectTries = 7;
// so long no read of a file fails after one that did: trouble that passes;
inline constexpr Duration kSimReadsWell = std::chrono::seconds(10);
// what a disk writes whole or not at all, however the power goes;
inline constexpr std::uint64_t kSimSector = 512;
// the blocks at the front of a file that no misdirected write hits or leaves: who keeps two copies of a header there is not
// helped by them against a disk that lies;
inline constexpr std::uint64_t kSimSparedBlocks = 2;
// memory for the bytes received in one turn.
inline constexpr std::size_t kSimArena = 1U << 20;

}  // namespace ringpost::io
