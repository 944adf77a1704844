// The room ManifestWatch.
