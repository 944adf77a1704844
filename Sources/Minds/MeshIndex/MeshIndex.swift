// The room MeshIndex.
