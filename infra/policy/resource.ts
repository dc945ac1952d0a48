/** A resource as the rules look at it: the same from the policy SDK, from mocks and from a captured program. */

export interface Resource {
  readonly type: string;
  readonly name: string;
  readonly urn: string;
  /** As Pulumi names them; what AWS decides may be unknown in a preview. */
  readonly props: Readonly<Record<string, unknown>>;
  /** URNs of the resources from which a property's value comes. */
  readonly sources: Readonly<Record<string, readonly string[]>>;
}
