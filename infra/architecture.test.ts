import { expect, test } from "@jest/globals";
import { architectureOf } from "./architecture.ts";

const ARM64 =
  "a1.xlarge a1.metal c6g.xlarge c6gd.2xlarge c6gn.medium c7g.xlarge c7gd.large c7gn.16xlarge c8g.48xlarge c8gd.metal-24xl g5g.xlarge " +
  "hpc7g.4xlarge i4g.large i8g.large im4gn.large is4gen.medium m6g.medium m7gd.large m8g.metal-48xl r6gd.xlarge r7g.large " +
  "r8gd.2xlarge t4g.nano t4g.micro x2gd.medium x8g.large";
const X86_64 =
  "c4.large c5.large c5a.xlarge c5d.9xlarge c5n.metal c6a.xlarge c6i.xlarge c6id.large c6in.large c7a.medium c7i.large " +
  "c7i-flex.large d3en.xlarge dl1.24xlarge f2.6xlarge g4ad.xlarge g4dn.xlarge g5.xlarge g6.xlarge gr6.4xlarge h1.2xlarge " +
  "hpc6a.48xlarge hpc7a.12xlarge i3.large i3en.large i4i.large i7ie.large inf2.xlarge m5.large m5zn.large m6a.large m7i-flex.large p4d.24xlarge " +
  "r5b.large r6idn.large r8i.large t2.micro t3.medium t3a.large trn1.2xlarge vt1.3xlarge x1e.xlarge x2idn.16xlarge x2iezn.2xlarge z1d.large";
const REFUSED =
  "mac1.metal mac2.metal mac2-m2.metal mac2-m2pro.metal p6e-gb200.36xlarge u-6tb1.112xlarge u7i-12tb.224xlarge a2.large " +
  "c7g c7g. c7g.huge C7G.xlarge c7g.xlarge.elasticsearch cache.t4g.micro db.t4g.micro q1.large xlarge c7g_xlarge";

test.each(ARM64.split(" "))("%s is arm64", (type) => {
  expect(architectureOf(type)).toBe("arm64");
});

test.each(X86_64.split(" "))("%s is x86_64", (type) => {
  expect(architectureOf(type)).toBe("x86_64");
});

test.each([...REFUSED.split(" "), "", " c7g.xlarge", "c7g.xlarge\n"])("%j is refused", (type) => {
  expect(architectureOf(type)).toBeUndefined();
});
