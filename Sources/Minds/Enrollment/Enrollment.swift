// The room Enrollment.
