// The room H1Engine.
