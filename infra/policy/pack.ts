/** The policy pack as Pulumi sees it; what it asks for is in rules.ts. Every rule is mandatory. */
import {
  PolicyPack,
  type PolicyResource,
  type StackValidationPolicy,
  type ResourceValidationPolicy,
} from "@pulumi/policy";
import type { Resource } from "./resource.ts";
import { RESOURCE_RULES, STACK_RULES } from "./rules.ts";

const resourcePolicies = RESOURCE_RULES.map(({ name, description, check }): ResourceValidationPolicy => ({
  name,
  description,
  enforcementLevel: "mandatory",
  validateResource: ({ type, name: resource, urn, props }, report) => {
    for (const problem of check({ type, name: resource, urn, props, sources: {} })) report(problem);
  },
}));

const stackPolicies = STACK_RULES.map(({ name, description, check }): StackValidationPolicy => ({
  name,
  description,
  enforcementLevel: "mandatory",
  validateStack: ({ resources }, report) => {
    for (const { urn, problem } of check(resources.map(toResource))) report(problem, urn);
  },
}));

new PolicyPack("kimtest", { enforcementLevel: "mandatory", policies: [...resourcePolicies, ...stackPolicies] });

function toResource({ type, name, urn, props, propertyDependencies }: PolicyResource): Resource {
  const sources = Object.entries(propertyDependencies).map(
    ([property, from]) => [property, from.map((source) => source.urn)] as const,
  );
  return { type, name, urn, props, sources: Object.fromEntries(sources) };
}
