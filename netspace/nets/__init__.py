"""What a network is: parameters as a PRep, architectures and families of them, evaluation of many at once."""

from typing import TYPE_CHECKING

from ..lazy import lazily

__getattr__, __dir__, __all__ = lazily(
    __name__,
    archs=("ARCHS", "Arch", "Family", "arch_named", "field_arch"),
    network=("Network", "onnx_of", "run_many"),
    prep=("PrepSize", "pack", "prep_size", "unpack"),
)

if TYPE_CHECKING:
    from .archs import ARCHS as ARCHS
    from .archs import Arch as Arch
    from .archs import Family as Family
    from .archs import arch_named as arch_named
    from .archs import field_arch as field_arch
    from .network import Network as Network
    from .network import onnx_of as onnx_of
    from .network import run_many as run_many
    from .prep import PrepSize as PrepSize
    from .prep import pack as pack
    from .prep import prep_size as prep_size
    from .prep import unpack as unpack
