// The room Proxying.
