"""A long body that both ends can make and check without sending it twice: numbered blocks of fixed noise."""

import hashlib
import random

BLOCK = 256 * 1024
_NOISE = random.Random(20).randbytes(BLOCK - 8)


def blocks(size):
    """The body of `size` bytes, in blocks."""
    number = 0
    while size > 0:
        block = number.to_bytes(8, "big") + _NOISE
        yield block if size >= BLOCK else block[:size]
        size -= BLOCK
        number += 1


def digest(size):
    sha = hashlib.sha256()
    for block in blocks(size):
        sha.update(block)
    return sha.hexdigest()
