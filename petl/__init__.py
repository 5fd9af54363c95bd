"""Parameter-efficient transfer learning as one design space. `petl.load(run)` gives what a run has trained."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from petl.tuned import load

__all__ = ["load"]


def __getattr__(name: str) -> Any:
    """`load` when it is asked for: importing petl imports nothing else."""
    if name in __all__:
        from petl import tuned

        return getattr(tuned, name)
    raise AttributeError(f"module 'petl' has no attribute {name!r}")
