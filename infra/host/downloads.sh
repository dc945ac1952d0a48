#!/bin/bash
# What the set-up downloads, pinned by version and SHA-256 for both architectures. Only data; sourced by bootstrap.sh.
#
# Packages of Amazon Linux are pinned otherwise: an AMI is locked to the repositories of its own release
# (docs.aws.amazon.com/linux/al2023/ug/deterministic-upgrades.html), the AMI is chosen once, and bootstrap.sh names
# that release to dnf. The Rust toolchain is pinned by its version: rustup checks each component against the hash in
# the manifest of that version.
#
# To take a newer version, copy the hash from nodejs.org/dist/vVERSION/SHASUMS256.txt, or from
# static.rust-lang.org/rustup/archive/VERSION/TARGET/rustup-init.sha256.
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

# The minimum supported version of the workspace under test; another toolchain is a profile's business.
rust_version=1.88.0

# For curl's --proto: nothing is fetched unencrypted.
download_protocols='=https'
