// The room DevKit.
