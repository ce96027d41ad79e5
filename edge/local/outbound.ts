/** What answers the Worker's own requests to the internet. */
export function guardedFetch(_env: NodeJS.ProcessEnv): (request: Request) => Promise<Response> {
  return (request) => fetch(request);
}
