/** How long one request to AWS may take. The SDK itself has no limit, and only warns of the one it is given. */

const CONNECT_MS = 3_000;

/** The `requestHandler` of a client. `requestMs`: for one attempt, and for a silence within it. */
export const requestLimits = (requestMs: number, connectMs = CONNECT_MS) => ({
  connectionTimeout: connectMs,
  requestTimeout: requestMs,
  throwOnRequestTimeout: true,
  socketTimeout: requestMs,
});
