"""A dictionary of headers."""
from collections.abc import MutableMapping


class CaseInsensitiveDict(MutableMapping):
    """Finds a key in whatever case, and keeps the case in which it was last written."""

    def __init__(self, data=None, **more):
        self._by_lower = {}
        self.update(data or {}, **more)

    def __setitem__(self, key, value):
        self._by_lower[key.lower()] = (key, value)

    def __getitem__(self, key):
        return self._by_lower[key.lower()][1]

    def __delitem__(self, key):
        del self._by_lower[key.lower()]

    def __iter__(self):
        return (key for key, _ in self._by_lower.values())

    def __len__(self):
        return len(self._by_lower)

    def __repr__(self):
        return repr(dict(self.items()))
