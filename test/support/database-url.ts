/** Addresses of databases, for processes that are no tests as well. */

/** DATABASE_URL of a database behind a socket. */
export function urlOf(
  place: { readonly socketDirectory: string; readonly port: number; readonly user: string },
  database: string,
): string {
  const query = new URLSearchParams({
    host: place.socketDirectory,
    port: String(place.port),
    user: place.user,
  });
  return `postgres:///${database}?${query.toString()}`;
}
