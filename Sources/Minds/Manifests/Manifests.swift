// The room Manifests.
