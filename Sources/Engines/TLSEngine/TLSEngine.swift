// The room TLSEngine.
