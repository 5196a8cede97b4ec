"""Times of a stream, put in order where a file has them out of it."""

from collections.abc import Iterator
from typing import Any, Generic, TypeVar

_Item = TypeVar("_Item", bound=Any)


class InOrder(Generic[_Item]):
    """Frames or packets of one stream, whose times only grow; what is in order stays as it is.

    Attributes:
        repaired: How many were out of order.
    """

    def __init__(self, step: int) -> None:
        """Start before the first item; ``step`` is between two of them as a rule, in units of their times."""
        self.repaired = 0
        self._step = step
        self._shift = 0  # since the clock was set back
        self._last: int | None = None  # time that was given last
        self._held: _Item | None = None

    def put(self, item: _Item) -> Iterator[_Item]:
        """The item before this one, whose place this one tells."""
        if self._held is not None:
            yield self._placed(self._held, item.pts)
        self._held = item

    def end(self) -> Iterator[_Item]:
        """The last item."""
        if self._held is not None:
            yield self._placed(self._held, None)
        self._held = None

    def _placed(self, item: _Item, following: int | None) -> _Item:
        """The item at its place.

        A time that is not after the one before it, or is after the next, is put half-way between these. Where
        the next one is too early as well, the clock was set back, and continues a step after the last time.
        """
        last = self._last
        if last is not None:
            time = self._shifted(item.pts, last)
            after = time + self._step if following is None else self._shifted(following, last)
            if not last < time <= after and after > last + 1:
                self.repaired += 1
                time = (last + after) // 2
            elif time <= last:
                self.repaired += 1
                time = last + self._step
                self._shift = time - item.pts
            item.pts = time
        self._last = item.pts
        return item

    def _shifted(self, time: int, last: int) -> int:
        return time if time > last else time + self._shift
