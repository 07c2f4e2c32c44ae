"""What networks are trained on: images, meshes, procedural chairs and their signed distances."""
