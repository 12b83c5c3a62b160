/** The routes of the app: the stream, REST, and the static page. */

import type { TemplatedApp } from './contract/uws.js';
import type { Rest } from './rest/handlers.js';
import { addRestRoutes } from './rest/router.js';
import type { Page } from './rest/static-files.js';
import { addStream, type UpgradeContext } from './websocket/upgrade.js';

export interface RouteContext extends UpgradeContext {
  readonly rest: Rest;
  readonly pages: ReadonlyMap<string, Page>;
  /** Whether the app is the host's own: then only our own paths are answered. */
  readonly isHostApp: boolean;
}

export function addRoutes(app: TemplatedApp, context: RouteContext): void {
  addStream(app, context);
  addRestRoutes(app, context);
}
