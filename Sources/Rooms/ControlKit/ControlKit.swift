// The room ControlKit.
