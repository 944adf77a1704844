// The room H2Engine.
