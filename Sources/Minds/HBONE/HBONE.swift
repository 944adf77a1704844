// The room HBONE.
