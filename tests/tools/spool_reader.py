"""A reader of the spool, written from docs/spool.md alone: it shares no line, and no mistake, with the server's.

    python3 tests/tools/spool_reader.py /var/spool/ringpost [--to DIR]

Prints a line of JSON for each message in the queue: id, sender, the recipients that are left, what has become of the others,
arrival, size and SHA-256; and "damaged" with what is wrong, for one that is not what it was. Then what was damaged, by file and
offset. --to writes the messages as DIR/ID.eml. Ends with 1 when something is damaged. Never writes to the spool.
"""

import collections
import hashlib
import json
import os
import re
import struct
import sys

BLOCK = 4096
FREE, OPEN, SEALED = 1, 2, 3
BODY, CHUNK, BODY_END, ENVELOPE, STATE, DONE, MOVED, VOID = 1, 2, 3, 4, 5, 6, 7, 255
NAMES = {1: "BODY", 2: "CHUNK", 3: "BODY_END", 4: "ENVELOPE", 5: "STATE", 6: "DONE", 7: "MOVED", 32: "MAIL", 33: "MAIL_CHUNK",
         34: "FACTS", 35: "CHANGE", 36: "SNAPSHOT", 255: "VOID"}
OUTCOMES = ("pending", "delivered", "bounced", "expired", "cancelled")
ONE_TARGET = 5  # of an alias; the recipient itself still waits
LOW64 = (1 << 64) - 1


# ---- checksums and names ----

def _crc_table():
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        yield byte


CRC_TABLE = tuple(_crc_table())


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

# `order`: epoch, commit sequence, place in the file. `whole`: its checksum is right.
Record = collections.namedtuple("Record", "type flags id payload order segment offset whole")
Frame = collections.namedtuple("Frame", "offset end commit records whole")


class Segment:
    """One file. `frames`: those that are whole, and of what lies between them the records that still verify."""

    def __init__(self, path):
        self.path = path
        with open(path, "rb") as file:
            self.data = memoryview(file.read())
        headers = [header for header in map(self._header, (0, BLOCK)) if header]
        if not headers:
            raise Unreadable(f"{path}: no header is whole")
        (self.version, self.state, self.spool, self.shard, self.number, self.sequence, self.salt, _, self.first_commit, end,
         self.epoch) = max(headers, key=lambda header: header[7])
        if self.version not in (1, 2):
            raise Unreadable(f"{path}: version {self.version} is not known")
        self.use = (self.shard, self.number, self.sequence)
        self.end = min(end, len(self.data)) if self.state == SEALED else len(self.data)
        self.damages = []  # (offset, size)
        self.frames = [] if self.state == FREE else self._all_frames()

    def _header(self, at):
        slot = self.data[at:at + 88]
        if len(slot) < 88 or bytes(slot[:8]) != b"POSTSEG1" or struct.unpack_from("<I", slot, 84)[0] != crc32c(slot[:84]):
            return None
        return struct.unpack_from("<IIQIIQQQQQI", slot, 8)

    def _all_frames(self):
        """Whole frames, and what is damaged between them. Behind the last one of an open segment is where writing stopped."""
        frames, at, gap = [], 2 * BLOCK, 2 * BLOCK
        while at < self.end:
            frame = self._frame(at)
            if not frame or not frame.whole:
                at += BLOCK
                continue
            frames += self._between(gap, at, frames)
            frames.append(frame)
            at = gap = frame.end
        if self.state == SEALED:
            frames += self._between(gap, self.end, frames)
        return frames

    def _frame(self, at):
        """The frame that begins here, if its own header verifies; whole when all its records do too."""
        magic, size, salt, epoch, count, commit, _, headers_crc, _, crc = struct.unpack_from("<4sIQIIQIIII", self.data, at)
        if magic != b"FRME" or salt != self.salt or crc != crc32c(self.data[at:at + 44]) or size < 48 or at + size > self.end:
            return None
        records, headers, place = [], [], at + 48
        while len(records) < count:
            record, next_place = self._record(place, at + size, epoch, commit)
            if not record:
                return None
            records.append(record)
            headers.append(self.data[place:place + 24])
            place = next_place
        if crc32c(*headers) != headers_crc:
            return None
        return Frame(at, at + rounded(size, BLOCK), commit, records, all(record.whole for record in records))

    def _record(self, at, limit, epoch, commit):
        """The record whose header is here, and where the next one may be."""
        if at + 24 > limit:
            return None, at
        crc, size, kind, flags, _, mark, identity = struct.unpack_from("<IIBBHIQ", self.data, at)
        end = at + 24 + size
        if end > limit or mark != (tag(self.salt, at) if self.version > 1 else 0):
            return None, at
        whole = crc == crc32c(self.data[at + 4:end])
        return Record(kind, flags, identity, self.data[at + 24:end], (epoch, commit, at), self, at, whole), rounded(end, 8)

    def _between(self, start, end, frames):
        """What verifies of damaged frames, and the headers of what does not."""
        if start == end:
            return []
        commit = frames[-1].commit if frames else self.first_commit
        self.damages.append((start, end - start))
        records, at = [], start
        while at < end:
            frame = self._frame(at) if at % BLOCK == 0 else None
            if frame:
                records, at = records + frame.records, frame.end
                continue
            record, next_at = self._record(at, end, self.epoch, commit) if self.version > 1 else (None, at)
            if record:
                records.append(record)
            at = next_at if record and record.whole else at + 8
        return [Frame(start, end, commit, records, False)]


class Unreadable(Exception):
    """A file that this reader does not take."""


# ---- an envelope ----

def parse_envelope(payload):
    """sender, recipients, arrival, size and CRC of the message."""
    magic, version, fixed, recipients, text_size, arrival = struct.unpack_from("<4sHHIIQ", payload)
    if magic != b"RPE1" or version < 1:
        raise Unreadable("an envelope does not begin as one")
    if version == 1:
        size, (crc,), dots_at, sizes_at, recipient_size = struct.unpack_from("<Q", payload, 32)[0], struct.unpack_from("<I", payload, 72), 87, 88, 16
        sender_at, sender_size = struct.unpack_from("<II", payload, sizes_at)
    else:
        size, (crc,), dots_at, sizes_at, recipient_size = struct.unpack_from("<I", payload, 32)[0], struct.unpack_from("<I", payload, 52), 67, 68, 12
        sender_at, sender_size = 0, struct.unpack_from("<H", payload, sizes_at)[0]
    table = 16 + fixed + 4 * payload[dots_at]
    texts = table + recipient_size * recipients

    def text(at, length):
        return bytes(payload[texts + at:texts + at + length]).decode(errors="surrogateescape")

    addresses = [text(*struct.unpack_from("<IH", payload, table + recipient_size * index)) for index in range(recipients)]
    return {"sender": text(sender_at, sender_size), "recipients": addresses, "arrival": arrival, "size": size, "crc": crc}


# ---- the queue ----

class Spool:
    """All segments of a folder, and what they say about each message."""

    def __init__(self, folder):
        self.segments, self.damages = [], []
        for path in self._paths(folder):
            try:
                segment = Segment(path)
            except Unreadable as error:
                self.damages.append({"damaged": str(error)})
                continue
            self.segments.append(segment)
            self.damages += [{"damaged": path, "offset": offset, "size": size} for offset, size in segment.damages]
        self.void = self._voids()
        self.by_id = collections.defaultdict(list)  # records of a message, or of a body, in their order
        self.hurt = collections.defaultdict(set)    # id: types of records that are damaged
        for record in sorted(self._records(), key=lambda record: (record.order[0], record.segment.shard, record.order)):
            if record.whole:
                self.by_id[record.id].append(record)
            else:
                self.hurt[record.id].add(NAMES.get(record.type, str(record.type)))

    @staticmethod
    def _paths(folder):
        for shard in sorted(os.listdir(folder)):
            if re.fullmatch(r"shard-\d+", shard):
                for name in sorted(os.listdir(os.path.join(folder, shard))):
                    if re.fullmatch(r"segment-\d+", name):
                        yield os.path.join(folder, shard, name)

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
                for record in frame.records:
                    epoch, commit, _ = record.order
                    ranges = self.void.get((segment.shard, segment.number, epoch), ())
                    if not any(first <= commit <= last for first, last in ranges):
                        yield record

    def messages(self):
        """One for each message in the queue, or that would be if it were not damaged."""
        for identity in sorted(self.by_id.keys() | self.hurt.keys()):
            records = self.by_id.get(identity, [])
            ended = {use for record in records if record.type in (DONE, MOVED) for use in struct.iter_unpack("<IIQ", record.payload)}
            envelopes = [record for record in records if record.type == ENVELOPE and record.segment.use not in ended]
            if envelopes:
                yield self._message(identity, max(envelopes, key=lambda record: record.order), records)
            elif not any(record.type in (ENVELOPE, DONE) for record in records) and self._has_lost_envelope(identity, records):
                yield {"id": name_of(identity), "damaged": "ENVELOPE"}, None

    def _has_lost_envelope(self, identity, records):
        """A body that nobody asks for is nothing, except where the envelope behind it may be what is damaged."""
        return "ENVELOPE" in self.hurt.get(identity, ()) or any(
            record.type in (BODY, BODY_END) and not frame.whole for record in records for frame in record.segment.frames
            if frame.offset <= record.offset < frame.end)

    def _message(self, identity, envelope, records):
        said = parse_envelope(envelope.payload)
        left, ended = dict(enumerate(said["recipients"])), {}
        for index, state in self._states(records).items():
            if state["state"] != "pending":
                ended[left.pop(index)] = state["state"]
        body = self._body(envelope, records)
        line = {"id": name_of(identity), "sender": said["sender"], "recipients": list(left.values()), "ended": ended,
                "arrival": said["arrival"], "size": said["size"]}
        wrong = sorted(self.hurt.get(identity, ()))
        if body is None or len(body) != said["size"] or crc32c(body) != said["crc"]:
            return {**line, "damaged": ", ".join(wrong) or "BODY"}, None
        line["sha256"] = hashlib.sha256(body).hexdigest()
        return ({**line, "damaged": ", ".join(wrong)} if wrong else line), body

    @staticmethod
    def _states(records):
        """The last state of each recipient, by its index."""
        states = {}
        for record in records:
            if record.type == STATE:
                count, all_of_them = struct.unpack_from("<II", record.payload)
                if all_of_them:
                    states = {}
                for index, attempts, code, state in struct.iter_unpack("<IHHB15x", record.payload[8:8 + 24 * count]):
                    if state != ONE_TARGET:
                        states[index] = {"state": OUTCOMES[state], "attempts": attempts, "code": code}
        return states

    def _body(self, envelope, records):
        before = [record for record in records if record.type in (BODY, BODY_END) and record.segment.shard == envelope.segment.shard
                  and record.order < envelope.order]
        if not before:
            return None
        if before[-1].type == BODY:
            return bytes(before[-1].payload)
        body_id, size, count = struct.unpack_from("<QQI", before[-1].payload)
        chunks = [record.payload for record in self.by_id.get(body_id, ()) if record.type == CHUNK
                  and record.segment.shard == envelope.segment.shard and record.order < before[-1].order]
        whole = b"".join(chunks[-count:])
        return whole if len(whole) == size else None


def main(folder, to=None):
    spool = Spool(folder)
    harmed = bool(spool.damages)
    for line, body in spool.messages():
        harmed = harmed or "damaged" in line
        print(json.dumps(line))
        if to and body is not None:
            with open(os.path.join(to, line["id"] + ".eml"), "wb") as file:
                file.write(body)
    for damage in spool.damages:
        print(json.dumps(damage))
    return 1 if harmed else 0


if __name__ == "__main__":
    if len(sys.argv) not in (2, 4) or len(sys.argv) == 4 and sys.argv[2] != "--to":
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[3] if len(sys.argv) == 4 else None))
