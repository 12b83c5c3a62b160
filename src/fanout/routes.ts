/** Adds the routes of the app: the stream, REST, and the static page. */

import type { TemplatedApp } from './contract/uws.js';
import { addRestRoutes, type RestContext } from './rest/router.js';
import { addStream, type UpgradeContext } from './websocket/upgrade.js';

export type RouteContext = UpgradeContext & RestContext;

export function addRoutes(app: TemplatedApp, context: RouteContext): void {
  addStream(app, context);
  addRestRoutes(app, context);
}
