// The room Publication.
