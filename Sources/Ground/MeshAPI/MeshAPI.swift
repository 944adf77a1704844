// The room MeshAPI.
