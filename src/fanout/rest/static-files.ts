/** The static page. Its folder is read into memory once, so that no request can name a path on disk. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join, relative, sep } from 'node:path';

/** Content type by file extension. Files with other extensions are not served. */
const CONTENT_TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
};

export interface Page {
  type: string;
  body: Uint8Array;
  etag: string;
}

/** A strong entity tag: a digest of the content. */
export function tagOf(body: string | Uint8Array): string {
  return `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
}

/**
 * Every served file of the folder, by URL path; `index.html` also as `/`.
 * @throws Error if the folder cannot be read
 */
export function loadPages(folder: string): Map<string, Page> {
  const pages = new Map<string, Page>();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const type = CONTENT_TYPES[extname(entry.name)];
    if (!entry.isFile() || type === undefined) continue;
    const file = join(entry.parentPath, entry.name);
    const body = readFileSync(file);
    const etag = tagOf(body);
    const path = `/${relative(folder, file).split(sep).join('/')}`;
    pages.set(path, { type, body, etag });
    if (path === '/index.html') pages.set('/', { type, body, etag });
  }
  return pages;
}
