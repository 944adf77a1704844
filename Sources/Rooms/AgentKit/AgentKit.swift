// The room AgentKit.
