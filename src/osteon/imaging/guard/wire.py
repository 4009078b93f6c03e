"""The messages between a pool of readers and the process they are forked from."""

from __future__ import annotations

import struct

__all__ = ["ANSWER", "ASK", "ENDED"]

# pool -> process, with the reply socket and the packed request as descriptors: wall-clock seconds
ASK = struct.Struct("<d")
# reader -> pool, with the packed (value, error) as descriptor: b"A", processor seconds, most resident bytes
ANSWER = struct.Struct("<cdq")
# process -> pool, when a reader has ended: b"E", the same two, status of the process, whether it was out of time
ENDED = struct.Struct("<cdqi?")
