# SPDX-License-Identifier: Apache-2.0
"""The lock by the editable timing cache (TensorRT 10.8 and later).

Record: an empty cache and no compilation cache; what was timed is in the cache afterwards.
Replay: the same, with every entry written as an edit (`update`), which TensorRT takes as a
decision, and with ERROR_ON_TIMING_CACHE_MISS. A cache alone proves nothing: after the build every
key is asked again, and one that was added, removed or changed fails the rebuild.
"""

import assay_builder as ab
from trt_decisions import Recorded, differences

NO_TACTIC = (1 << 64) - 1  # what TensorRT calls an invalid hash


class TimingCacheLock:
    """`recorded`: {key: tactic} of the lock with its bytes `data` when replaying, else None."""

    file = "timing.cache"

    def __init__(self, recorded=None, data=b""):
        self._recorded = recorded
        self._data = data
        self._cache = None

    def attach(self, config):
        """Gives the cache to the configuration.  BuildError `miss` when it is not that of the
        lock.
        """
        config.need_flag("EDITABLE_TIMING_CACHE", "lock by timing cache")
        config.need_flag("DISABLE_COMPILATION_CACHE", "lock by timing cache")
        replay = self._recorded is not None
        if replay:
            config.need_flag("ERROR_ON_TIMING_CACHE_MISS", "lock by timing cache")
        cache = config.raw.create_timing_cache(self._data)
        if cache is None:
            raise ab.BuildError("miss", "timing.cache: TensorRT cannot read it")
        if replay:
            wrong = differences(self._recorded, self._entries(cache))
            if wrong:
                raise ab.BuildError(
                    "miss", "timing.cache is not what contract.json tells: %s" % wrong
                )
            for key in cache.queryKeys():
                if not cache.update(key, cache.query(key)):
                    raise ab.BuildError("miss", "timing.cache: key %s cannot be pinned" % key)
        if not config.raw.set_timing_cache(cache, False):
            raise ab.BuildError(
                "miss",
                "timing.cache: TensorRT refuses it: made by another version or for another "
                "device",
            )
        self._cache = cache

    def finish(self, config):
        """What was decided.  BuildError `miss` when a replay did not keep to its lock."""
        cache = config.raw.get_timing_cache() or self._cache
        entries = self._entries(cache)
        if self._recorded is not None:
            wrong = differences(self._recorded, entries)
            if wrong:
                raise ab.BuildError(
                    "miss", "the build did not keep to the timing cache: %s" % wrong
                )
            return Recorded(self._data, entries, "", [])
        invalid = [k for k, t in entries.items() if int(t, 16) == NO_TACTIC]
        problem = ""
        if not entries:
            problem = "the editable timing cache holds no key, so that nothing can be pinned"
        elif invalid:
            problem = "the timing cache has no tactic for %d keys, the first %s" % (
                len(invalid),
                invalid[0],
            )
        return Recorded(bytes(cache.serialize()), entries, problem, [])

    def failed(self):
        """Why TensorRT refused, as far as this lock knows; the log tells about this one."""
        return ""

    @staticmethod
    def _entries(cache):
        return {
            str(key).lower(): "0x%016x" % cache.query(key).tacticHash for key in cache.queryKeys()
        }
