// The room PolicyEngine.
