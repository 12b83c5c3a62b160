/** Which pages may talk to this server: browsers send their `Origin`, other clients none. */
export function originAllowed(origin: string, host: string, allowed: readonly string[]): boolean {
  if (origin === '' || allowed.includes('*') || allowed.includes(origin)) return true;
  const at = origin.indexOf('://');
  return at >= 0 && origin.slice(at + 3) === host;
}
