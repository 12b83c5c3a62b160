/** The routes of the app: the stream, REST, and the static page. */
import type { Page } from './pages.js';
import type { Rest } from './rest.js';
import { addRestRoutes } from './rest-routes.js';
import { addStream, type UpgradeContext } from './upgrade.js';
import type { TemplatedApp } from './uws.js';

export interface RouteContext extends UpgradeContext {
  readonly rest: Rest;
  readonly pages: ReadonlyMap<string, Page>;
  /** Whether the app is the host's own: then only our own paths are answered. */
  readonly shared: boolean;
}

export function addRoutes(app: TemplatedApp, context: RouteContext): void {
  addStream(app, context);
  addRestRoutes(app, context);
}
