// The room Subscription.
