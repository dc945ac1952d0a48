#!/bin/bash
# What the set-up downloads, pinned by version and SHA-256 for both architectures. Only data; sourced by bootstrap.sh.
#
# Packages of Amazon Linux are pinned otherwise: an AMI is locked to the repositories of its own release
# (docs.aws.amazon.com/linux/al2023/ug/deterministic-upgrades.html), the AMI is chosen once, and bootstrap.sh names
# that release to dnf. Rust toolchains are pinned by version or date: rustup checks each component against the hash in
# the manifest of that version. What a crate is built from is pinned by the Cargo.lock in it, and that by its hash.
#
# To take a newer version, copy the hash from nodejs.org/dist/vVERSION/SHASUMS256.txt, from
# static.rust-lang.org/rustup/archive/VERSION/TARGET/rustup-init.sha256, or of a crate from index.crates.io.
# shellcheck disable=SC2034 # Used where this is sourced.

# Hashes as recorded, alike, by two unrelated public projects that pin this version (read on 2026-11-21).
node_version=24.21.0
node_address=https://nodejs.org/dist
node_sha256_aarch64=724282c3b43aec998aa9527380465b45d229e021b58035f5f4f63095eabfe5d5
node_sha256_x86_64=6e1db87ef58b8819e5d5402eff1536491b18edd8eb7bee5ef7897876e88dc5ff

# Hashes as in the build steps of Docker's official image rust (docker-library/repo-info, read on 2026-11-21).
rustup_version=1.29.0
rustup_address=https://static.rust-lang.org/rustup/archive
rustup_sha256_aarch64=9732d6c5e2a098d3521fca8145d826ae0aaa067ef2385ead08e6feac88fa5792
rustup_sha256_x86_64=4acc9acc76d5079515b46346a485974457b5a79893cfb01112423c89aeb5aa10

# As Kimberlite's rust-toolchain.toml names them. Under any other name, 1.88.0 for example, or without a component,
# rustup would fetch them in the middle of a build.
rust_version=1.88
rust_components=rustfmt,clippy,rust-analyzer
# The one that the profile kimberlite names for its fuzz targets. rustup fetches none that is asked for with a +.
rust_nightly=nightly-2026-05-28

# Built from its source: there is no release of it for Linux on arm64. The version whose output the runner was tested
# with. Hash as in the index of crates.io, and as recorded by three public projects that pin it (read on 2026-11-21).
cargo_fuzz_version=0.13.2
cargo_fuzz_sha256=5acfd01930e49823e58c30dd8012d3338a620377d7c7d4cc140ca4b2169400e2
crates_address=https://static.crates.io/crates

# For curl's --proto: nothing is fetched unencrypted.
download_protocols='=https'
