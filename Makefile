# The two commands on a fresh machine: `make demo`, `make test`. Everything else is in docs/LAB.md.
RUST_VERSION := $(shell sed -n 's/^rust-version *= *"\(.*\)"/\1/p' Cargo.toml)

.PHONY: demo demo-stop demo-status test test-all bench torture rust

demo: rust
	@tests/lab/lab up

demo-stop:
	@tests/lab/lab down

demo-status:
	@tests/lab/lab status

test: rust
	@tests/run

test-all: rust
	@tests/run --all

bench: rust
	@tests/run --bench

# kill -9 for so many hours; SEED=n begins with that seed.
HOURS := 1
torture: rust
	@tests/run --torture $(HOURS)

# Says what is missing before anything is installed or built.
rust:
	@tests/lab/rust-version $(RUST_VERSION)
