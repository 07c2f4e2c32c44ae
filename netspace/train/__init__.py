"""What runs an optimizer: zoos of networks, spaces of them, and optimization inside a space.

The public names below are loaded when they are first used: `from netspace.train import train_space`.
"""

from typing import TYPE_CHECKING

from ..lazy import lazily

__getattr__, __dir__, __all__ = lazily(
    __name__,
    loop=("LogEntry",),
    space=("TrainConfig", "new_space", "train_space"),
    lso=("LsoConfig", "optimise"),
    starts=("Start", "start_from", "wanted_class"),
    lso_files=("Best", "Result", "read_best", "read_result", "read_run", "read_trajectory"),
    fit_sdf=("FitConfig", "chair_sources", "file_sources", "fit_sdf_zoo"),
    fit_cnn=("CnnConfig", "fit_cnn_zoo"),
    zoos=("ZooPlan", "make_zoo"),
    parts=("Made",),
    executors=("EXECUTORS", "Executor"),
    cluster=("Ray", "Resources"),
)

if TYPE_CHECKING:
    from .cluster import Ray as Ray
    from .cluster import Resources as Resources
    from .executors import EXECUTORS as EXECUTORS
    from .executors import Executor as Executor
    from .fit_cnn import CnnConfig as CnnConfig
    from .fit_cnn import fit_cnn_zoo as fit_cnn_zoo
    from .fit_sdf import FitConfig as FitConfig
    from .fit_sdf import chair_sources as chair_sources
    from .fit_sdf import file_sources as file_sources
    from .fit_sdf import fit_sdf_zoo as fit_sdf_zoo
    from .loop import LogEntry as LogEntry
    from .lso import LsoConfig as LsoConfig
    from .lso import optimise as optimise
    from .lso_files import Best as Best
    from .lso_files import Result as Result
    from .lso_files import read_best as read_best
    from .lso_files import read_result as read_result
    from .lso_files import read_run as read_run
    from .lso_files import read_trajectory as read_trajectory
    from .parts import Made as Made
    from .space import TrainConfig as TrainConfig
    from .space import new_space as new_space
    from .space import train_space as train_space
    from .starts import Start as Start
    from .starts import start_from as start_from
    from .starts import wanted_class as wanted_class
    from .zoos import ZooPlan as ZooPlan
    from .zoos import make_zoo as make_zoo
