// The room BPFRuntime.
