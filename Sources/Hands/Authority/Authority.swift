// The room Authority.
