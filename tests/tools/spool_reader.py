"""A reader of the spool, written from docs/spool.md alone: it shares no line, and no mistake, with the server's.

    python3 tests/tools/spool_reader.py /var/spool/ringpost

Prints a line of JSON for each message in the queue: id, sender, the recipients that are left, what has become of the others,
arrival, size and SHA-256; and "damaged" with what is wrong, for one that is not what it was. Then what was damaged, by file and
offset. Ends with 1 when something is damaged. Never writes.
"""

import collections
import glob
import hashlib
import json
import os
import re
import struct
import sys

BLOCK = 4096
FREE, OPEN, SEALED = 1, 2, 3
BODY, CHUNK, BODY_END, ENVELOPE, STATE, DONE, MOVED, VOID = 1, 2, 3, 4, 5, 6, 7, 255
NAMES = {BODY: "BODY", CHUNK: "CHUNK", BODY_END: "BODY_END", ENVELOPE: "ENVELOPE", STATE: "STATE", DONE: "DONE", MOVED: "MOVED"}
OUTCOMES = ("pending", "delivered", "bounced", "expired", "cancelled")
ONE_TARGET = 5  # of an alias; the recipient itself still waits
LOW64 = (1 << 64) - 1


# ---- checksums and names ----

CRC_TABLE = list(range(256))
for _ in range(8):
    CRC_TABLE = [crc >> 1 ^ (0x82F63B78 if crc & 1 else 0) for crc in CRC_TABLE]


def crc32c(*parts):
    table, crc = CRC_TABLE, 0xFFFFFFFF
    for part in parts:
        for byte in part:
            crc = table[(crc ^ byte) & 255] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def name_of(identity):
    """13 characters of Crockford's base 32."""
    return "".join("0123456789ABCDEFGHJKMNPQRSTVWXYZ"[identity >> shift & 31] for shift in range(60, -1, -5))


def rounded(size, to):
    return -(-size // to) * to


def tag(salt, offset):
    mixed = (salt ^ (offset * 0x9E3779B97F4A7C15 & LOW64)) * 0xD6E8FEB86659FD93 & LOW64
    return (mixed ^ mixed >> 29) >> 16 & 0xFFFFFFFF


# ---- segments, frames, records ----

class Unreadable(Exception):
    """A file that this reader does not take."""


Header = collections.namedtuple("Header", "version state stream spool shard number sequence salt generation first_commit end epoch blocks")
# `order`: epoch, commit sequence, place in the file. `whole`: its checksum is right. `sure`: its header is, at least.
Record = collections.namedtuple("Record", "type id payload order segment whole sure")
Frame = collections.namedtuple("Frame", "end salt epoch commit previous crc stream records whole")


class Segment:
    """One file. `frames`: those that are whole, and as one more each what still verifies between two of them."""

    def __init__(self, path, shard, number):
        with open(path, "rb") as file:
            self.data = memoryview(file.read())
        self.path, self.shard, self.number = path, shard, number
        self.damages = []  # (offset, size)
        self.header = self._newest_header()
        self.end = min(self.header.end, len(self.data)) if self.header.state == SEALED else len(self.data)
        made = self.header.blocks * BLOCK or rounded(len(self.data), BLOCK)
        if len(self.data) < made:
            self.damages.append((len(self.data), made - len(self.data)))  # the file was cut short
        self.frames = [] if self.header.state == FREE else self._all_frames()

    def _newest_header(self):
        headers = [header for header in map(self._header, (0, BLOCK)) if header]
        newest = max(headers, key=lambda header: header.generation, default=None)
        if newest and newest.version not in (1, 2, 3):
            raise Unreadable(f"{self.path} is of version {newest.version}")
        damaged = sum(any(self.data[at:at + BLOCK]) for at in (0, BLOCK)) > len(headers)
        first = self._frame_header(2 * BLOCK)
        if newest and not (damaged and newest.state == FREE and first and first.salt == newest.salt):
            return newest
        if not first:
            raise Unreadable(f"{self.path} has no header")
        self.damages.append((0, 2 * BLOCK))
        return Header(3 if first.stream else 2, OPEN, first.stream, newest.spool if newest else None, self.shard, self.number, 0, first.salt, 0, first.commit, 0, first.epoch, newest.blocks if newest else 0)

    def _header(self, at):
        slot = self.data[at:at + 88]
        if len(slot) < 88 or slot[:8] != b"POSTSEG1" or struct.unpack_from("<I", slot, 84)[0] != crc32c(slot[:84]):
            return None
        return Header(*struct.unpack_from("<IHHQIIQQQQQI4xI", slot, 8))

    def _all_frames(self):
        """Whole frames, and what is damaged between them. Behind the last one of an open segment is where writing stopped."""
        frames, at, gap, previous = [], 2 * BLOCK, 2 * BLOCK, 0
        while at < self.end:
            frame = self._frame(at)
            if not frame or not frame.whole:
                at = frame.end if frame else at + BLOCK
                continue
            if gap < at:
                frames.append(self._between(gap, at, frames))
            elif frame.previous != previous:
                self.damages.append((at, 0))  # not the frame that was written before it
            frames.append(frame)
            at, gap, previous = frame.end, frame.end, frame.crc
        if self.header.state == SEALED and gap < self.end:
            frames.append(self._between(gap, self.end, frames))
        return frames

    def _frame_header(self, at):
        if at + 48 > len(self.data):
            return None
        magic, size, salt, epoch, count, commit, previous, records_crc, stream, crc = struct.unpack_from("<4sIQIIQIIII", self.data, at)
        if magic != b"FRME" or crc != crc32c(self.data[at:at + 44]):
            return None
        return Frame(at + size, salt, epoch, commit, previous, crc, stream, (count, records_crc), False)

    def _frame(self, at):
        """The frame that begins here, if its header and those of its records verify; whole when all its records do too."""
        frame = self._frame_header(at)
        if not frame or frame.salt != self.header.salt or frame.end > self.end:
            return None
        (count, records_crc), records, headers, place = frame.records, [], [], at + 48
        while len(records) < count:
            record, next_place = self._record(place, frame.end, frame.epoch, frame.commit, True)
            if not record:
                return None
            records.append(record)
            headers.append(self.data[place:place + 24])
            place = next_place
        if crc32c(*headers) != records_crc:
            return None
        return frame._replace(end=rounded(frame.end, BLOCK), records=records, whole=all(record.whole for record in records))

    def _record(self, at, limit, epoch, commit, sure):
        """The record whose header is here, and where the next one may be."""
        if at + 24 > limit:
            return None, at
        crc, size, kind, _, _, mark, identity = struct.unpack_from("<IIBBHIQ", self.data, at)
        end = at + 24 + size
        if mark != (tag(self.header.salt, at) if self.header.version > 1 else 0) or end > limit:
            return None, at
        whole = crc == crc32c(self.data[at + 4:end])
        return Record(kind, identity, self.data[at + 24:end], (epoch, commit, at), self, whole, sure), rounded(end, 8)

    def _between(self, start, end, frames):
        """What verifies of damaged frames, and the headers of what does not."""
        self.damages.append((start, end - start))
        epoch, commit = (frames[-1].epoch, frames[-1].commit) if frames else (self.header.epoch, self.header.first_commit)
        records, at = [], start
        while at < end:
            frame = self._frame(at) if at % BLOCK == 0 else None
            if frame and frame.end <= end:
                records, at = records + frame.records, frame.end
                continue
            record, next_at = self._record(at, end, epoch, commit, False) if self.header.version > 1 else (None, at)
            records += [record] if record else []
            at = next_at if record and record.whole else at + 8
        return Frame(end, self.header.salt, epoch, commit, 0, 0, self.header.stream, records, False)


# ---- an envelope ----

def parse_envelope(payload):
    """sender, recipients, arrival and size of the message."""
    magic, version, fixed, count, _, arrival = struct.unpack_from("<4sHHIIQ", payload)
    if magic != b"RPE1" or version < 1:
        raise Unreadable("an envelope that does not begin as one")
    if version == 1:
        (size, dots, sender_at, sender_size), step = struct.unpack_from("<32xQ47xBII", payload), 16
    else:
        (size, dots, sender_size), sender_at, step = struct.unpack_from("<32xI31xBH", payload), 0, 12
    table = 16 + fixed + 4 * dots
    texts = table + step * count

    def text(at, length):
        return bytes(payload[texts + at:texts + at + length]).decode(errors="surrogateescape")

    recipients = [text(*struct.unpack_from("<IH", payload, table + step * index)) for index in range(count)]
    return {"sender": text(sender_at, sender_size), "recipients": list(enumerate(recipients)), "arrival": arrival, "size": size}


# ---- the queue ----

class Spool:
    """All segments of a folder, and what they say about each message."""

    def __init__(self, folder):
        self.segments, self.damages = [], []
        for path in sorted(glob.glob(os.path.join(folder, "shard-[0-9]*", "segment-*[0-9]"))):
            try:
                segment = Segment(path, *map(int, re.findall(r"\d+", path)[-2:]))
            except Unreadable as error:
                self.damages.append({"damaged": str(error)})
                continue
            self.segments.append(segment)
            self.damages += [{"damaged": path, "offset": offset, "size": size} for offset, size in segment.damages]
        self.void = self._voids()
        self.by_id = collections.defaultdict(list)  # records of a message, or of a body, in their order
        self.hurt = collections.defaultdict(set)    # id: types of records that are damaged
        for record in sorted(self._records(), key=lambda record: (record.order[0], record.segment.shard, record.order)):
            if record.type in NAMES and record.whole:
                self.by_id[record.id].append(record)
            elif record.type in NAMES and record.sure:
                self.hurt[record.id].add(NAMES[record.type])

    def _voids(self):
        """(shard, segment, epoch): ranges of commit sequences that count for nothing."""
        voids = collections.defaultdict(list)
        for segment in self.segments:
            for record in segment.frames[0].records[:1] if segment.frames else ():
                if record.type == VOID and record.whole:
                    for number, epoch, first, last in struct.iter_unpack("<IIQQ", record.payload):
                        voids[segment.shard, number, epoch].append((first, last))
        return voids

    def _records(self):
        for segment in self.segments:
            for frame in segment.frames:
                ranges = self.void.get((segment.shard, segment.number, frame.epoch), ())
                if not any(first <= frame.commit <= last for first, last in ranges):
                    yield from frame.records

    def messages(self):
        """What there is to say of each message in the queue, and of each that would be if it were not damaged."""
        for identity in sorted(self.by_id.keys() | self.hurt.keys()):
            records = self.by_id.get(identity, [])
            ended = {((shard, number), use) for record in records if record.type in (DONE, MOVED)
                     for shard, number, use in struct.iter_unpack("<IIQ", record.payload)}
            envelopes = [record for record in records if record.type == ENVELOPE and not self._is_ended(record.segment, ended)]
            types = {record.type for record in records}
            if envelopes:
                yield self._message(identity, max(envelopes, key=lambda record: (self._body(record, records) is not None, record.order)), records)
            elif not types & {ENVELOPE, DONE} and (types & {BODY, BODY_END} or "ENVELOPE" in self.hurt[identity]):
                yield {"id": name_of(identity), "damaged": "ENVELOPE"}

    @staticmethod
    def _is_ended(segment, ended):
        """A sequence of 0 was lost with a header: it may be any."""
        here, sequence = (segment.shard, segment.number), segment.header.sequence
        return any(place == here and (use == sequence or 0 in (use, sequence)) for place, use in ended)

    def _message(self, identity, envelope, records):
        said = parse_envelope(envelope.payload)
        states = self._final_states(records)
        line = {"id": name_of(identity), "sender": said["sender"],
                "left": [address for index, address in said["recipients"] if index not in states],
                "ended": [{"address": address, "state": states[index]} for index, address in said["recipients"] if index in states],
                "arrival": said["arrival"], "size": said["size"]}
        body = self._body(envelope, records) if said["size"] else b""
        wrong = self.hurt.get(identity) or ({"BODY"} if body is None or len(body) != said["size"] else None)
        if body is not None and len(body) == said["size"]:
            line["sha256"] = hashlib.sha256(body).hexdigest()
        return {**line, "damaged": ", ".join(sorted(wrong))} if wrong else line

    @staticmethod
    def _final_states(records):
        """What has become of those recipients that are done with, by their index."""
        states = {}
        for record in records:
            if record.type == STATE:
                for index, state in struct.iter_unpack("<I4xB15x", record.payload[8:]):
                    if state not in (0, ONE_TARGET):
                        states.setdefault(index, OUTCOMES[state])
        return states

    def _body(self, envelope, records):
        """The nearest before the envelope, in its file."""
        before = [record for record in records if record.type in (BODY, BODY_END) and record.segment is envelope.segment
                  and record.order < envelope.order]
        if not before:
            return None
        if before[-1].type == BODY:
            return bytes(before[-1].payload)
        body_id, size, count = struct.unpack_from("<QQI", before[-1].payload)
        chunks = [record.payload for record in self.by_id.get(body_id, ()) if record.type == CHUNK]
        return b"".join(chunks) if len(chunks) == count and sum(map(len, chunks)) == size else None


def main(folder):
    spool = Spool(folder)
    lines = [*spool.messages(), *spool.damages]
    for line in lines:
        print(json.dumps(line))
    return 1 if any("damaged" in line for line in lines) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]) if len(sys.argv) == 2 else __doc__)
