// The room Issuance.
