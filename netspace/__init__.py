"""NetSpace: a small latent space in which trained networks are embedded, interpolated and optimised.

Implements "Learning the Space of Deep Models" (Berardi, De Luigi, Salti, Di Stefano, ICPR 2022).

Letters in shapes, everywhere in this library:
    b  networks        n  inputs (points, images)     P  parameters of a network
    H, W  PRep size    E  embedding size              A  architectures of a family
    C  classes         k  chunks of a PRep            s  steps along a path

The public names below are loaded when they are first used: `import netspace` costs next to nothing.
"""

from typing import TYPE_CHECKING

from .lazy import lazily

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazily(
    __name__,
    {
        "errors": ("FormatError", "NetSpaceError", "UsageError"),
        "folders": ("ASSETS",),
        "nets.archs": ("ARCHS", "Arch", "Family", "arch_named"),
        "nets.network": ("Network", "run_many"),
        "nets.prep": ("PrepSize", "pack", "prep_size", "unpack"),
        "data.images": ("Images", "load_images"),
        "geometry.mesh": ("Surface", "surface_of"),
        "zoo.store": ("Zoo", "write_zoo"),
        "space.config": ("SpaceConfig",),
        "space.space": ("Decoded", "NetSpace", "load"),
        "latent.paths": ("METHODS",),
        "tasks": ("TASKS", "Task", "task_of"),
        "tasks.measures": ("accuracy", "classify"),
        "train.space": ("TrainConfig", "train_space"),
        "train.lso": ("LsoConfig", "optimise"),
        "train.starts": ("start_from", "wanted_class"),
        "train.lso_files": ("read_best", "read_result"),
        "importing": ("import_networks",),
        "recipes": ("RECIPES",),
        "jobs": ("Command", "find_jobs", "read_job", "start_job"),
    },
)

if TYPE_CHECKING:
    from .data.images import Images as Images
    from .data.images import load_images as load_images
    from .errors import FormatError as FormatError
    from .errors import NetSpaceError as NetSpaceError
    from .errors import UsageError as UsageError
    from .folders import ASSETS as ASSETS
    from .geometry.mesh import Surface as Surface
    from .geometry.mesh import surface_of as surface_of
    from .importing import import_networks as import_networks
    from .jobs import Command as Command
    from .jobs import find_jobs as find_jobs
    from .jobs import read_job as read_job
    from .jobs import start_job as start_job
    from .latent.paths import METHODS as METHODS
    from .nets.archs import ARCHS as ARCHS
    from .nets.archs import Arch as Arch
    from .nets.archs import Family as Family
    from .nets.archs import arch_named as arch_named
    from .nets.network import Network as Network
    from .nets.network import run_many as run_many
    from .nets.prep import PrepSize as PrepSize
    from .nets.prep import pack as pack
    from .nets.prep import prep_size as prep_size
    from .nets.prep import unpack as unpack
    from .recipes import RECIPES as RECIPES
    from .space.config import SpaceConfig as SpaceConfig
    from .space.space import Decoded as Decoded
    from .space.space import NetSpace as NetSpace
    from .space.space import load as load
    from .tasks import TASKS as TASKS
    from .tasks import Task as Task
    from .tasks import task_of as task_of
    from .tasks.measures import accuracy as accuracy
    from .tasks.measures import classify as classify
    from .train.lso import LsoConfig as LsoConfig
    from .train.lso import optimise as optimise
    from .train.lso_files import read_best as read_best
    from .train.lso_files import read_result as read_result
    from .train.space import TrainConfig as TrainConfig
    from .train.space import train_space as train_space
    from .train.starts import start_from as start_from
    from .train.starts import wanted_class as wanted_class
    from .zoo.store import Zoo as Zoo
    from .zoo.store import write_zoo as write_zoo
