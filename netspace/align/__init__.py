"""Which units of two networks are the same: matched and moved, so that their weights can be averaged."""

from typing import TYPE_CHECKING

from ..lazy import lazily

__getattr__, __dir__, __all__ = lazily(
    __name__,
    calibration=("calibration_inputs", "can_calibrate", "reads_images"),
    group=("Element", "UnitMove", "compose", "invert", "random_element", "same_element", "transform"),
    match=("Alignment", "align", "middle_likeness", "no_alignment"),
    repair=("Repair",),
    solved=("aligned_once",),
)

if TYPE_CHECKING:
    from .calibration import calibration_inputs as calibration_inputs
    from .calibration import can_calibrate as can_calibrate
    from .calibration import reads_images as reads_images
    from .group import Element as Element
    from .group import UnitMove as UnitMove
    from .group import compose as compose
    from .group import invert as invert
    from .group import random_element as random_element
    from .group import same_element as same_element
    from .group import transform as transform
    from .match import Alignment as Alignment
    from .match import align as align
    from .match import middle_likeness as middle_likeness
    from .match import no_alignment as no_alignment
    from .repair import Repair as Repair
    from .solved import aligned_once as aligned_once
