"""Files made of networks and paths. EXPORTS is the only table of formats: the command line and the app read it.

A new format is a module here with a function from a subject to bytes, and an entry in EXPORTS.
"""

from __future__ import annotations

from .curves import write_csv, write_figure
from .film import write_film
from .gif import gif_remark, write_gif
from .slices import write_slices
from .surfaces import mesh_writer
from .table import CURVE, NETWORK, PATH, SURFACE, Export
from .video import write_mp4, write_turntable
from .weights import write_onnx, write_picture, write_state_dict, write_zip

OF_SHAPES, PICTURED, OF_CLASSES = ("sdf",), ("sdf", "image-field"), ("classification",)
MESH_WORDS = "the surface as a mesh"

EXPORTS: dict[str, Export] = {
    "glb": Export("GLB", "glb", SURFACE, MESH_WORDS, mesh_writer("glb"), OF_SHAPES),
    "stl": Export("STL", "stl", SURFACE, MESH_WORDS, mesh_writer("stl"), OF_SHAPES),
    "ply": Export("PLY", "ply", SURFACE, MESH_WORDS, mesh_writer("ply"), OF_SHAPES),
    "obj": Export("OBJ", "obj", SURFACE, MESH_WORDS, mesh_writer("obj"), OF_SHAPES),
    "off": Export("OFF", "off", SURFACE, MESH_WORDS, mesh_writer("off"), OF_SHAPES),
    "turntable": Export(
        "Turntable", "mp4", SURFACE, "the surface turned once, as a film (takes a while)", write_turntable, OF_SHAPES,
        needs=("av",),
    ),
    "picture": Export("PNG", "png", NETWORK, "the picture that the network holds", write_picture, ("image-field",)),
    "zip": Export(
        "safetensors + JSON", "zip", NETWORK, "weights as safetensors, and where they come from as JSON", write_zip
    ),
    "pt": Export("state_dict", "pt", NETWORK, "torch.load(file, weights_only=True)", write_state_dict),
    "slices": Export(
        "Slices", "png", NETWORK, "the field and its Eikonal error in the planes x, y and z = 0", write_slices,
        OF_SHAPES,
    ),
    "onnx": Export(
        "ONNX", "onnx", NETWORK, "normalised images (n, 3, S, S) to logits (takes a few seconds)", write_onnx,
        OF_CLASSES, needs=("onnx", "onnxscript"),
    ),
    "csv": Export("CSV", "csv", CURVE, "what was measured of every network", write_csv, usual=True),
    "png": Export(
        "PNG", "png", CURVE, "score over gamma, as Figs. 3b and 5 of the paper", write_figure("png"), OF_CLASSES,
        usual=True,
    ),
    "pdf": Export(
        "PDF", "pdf", CURVE, "score over gamma, as Figs. 3b and 5 of the paper", write_figure("pdf"), OF_CLASSES,
        usual=True,
    ),
    "film": Export(
        "Film strip", "png", PATH, "at most nine networks of the path in one row", write_film, PICTURED, usual=True
    ),
    "gif": Export("GIF", "gif", PATH, "the path there and back, as an animation", write_gif, remark=gif_remark),
    "mp4": Export("MP4", "mp4", PATH, "the path there and back, as a film (H.264)", write_mp4, needs=("av",)),
}  # fmt: skip
"""by name, as the command line has it"""
