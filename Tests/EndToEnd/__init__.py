"""What Apus claims, proved from outside: real pods, real packets, the real command line."""
