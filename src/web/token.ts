/**
 * The token of the user who opened the page, for a server that wants one: `/#token=…`. What follows # is not
 * sent to any server, so that it is in no log.
 */
export function pageToken(hash: string = location.hash): string | undefined {
  const found = /[#&]token=([^&]*)/.exec(hash)?.[1];
  if (found === undefined) return undefined;
  try {
    return decodeURIComponent(found);
  } catch {
    // A % that begins no escape is an ordinary character.
    return found;
  }
}
