/** The OpenAPI document is valid and describes every route. The answers match the document. */
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import t from 'tap';
import type { HttpRequest, HttpResponse, TemplatedApp } from '../../../src/fanout/contract/uws.js';
import { createFanout } from '../../../src/fanout/index.js';
import { HOST_STAGE } from '../../../src/pipeline/memory/engine-memory.js';
import { Registry } from '../../../src/pipeline/memory/registry.js';
import { LOG_ID, serve } from '../../helpers/fanout.js';
import { asker, type HttpAnswer } from '../../helpers/http.js';
import { smallMemory } from '../../helpers/memory.js';

// biome-ignore lint/suspicious/noExplicitAny: documents of any shape are what the tests look at
type Document = any;

/** The routes of the fan-out for a method. */
function routesOf(method: 'get' | 'head'): string[] {
  const patterns: string[] = [];
  const add =
    (into: string[]) => (pattern: string, _handler: (res: HttpResponse, req: HttpRequest) => void) => {
      into.push(pattern);
      return app;
    };
  const app = { get: add([]), head: add([]), any: add([]), ws: add([]) } as unknown as TemplatedApp;
  app[method] = add(patterns) as TemplatedApp['get'];
  const memory = smallMemory();
  const fanout = createFanout({
    memory,
    registry: new Registry(memory.registry, memory.plan.maxSymbols, HOST_STAGE),
    identity: { logId: LOG_ID, epoch: 1 },
    logger: { info: () => {}, warn: () => {}, error: () => {} },
    feeds: () => [],
    readiness: () => ({ ready: true, reasons: [] }),
    app,
  });
  t.teardown(() => fanout.close());
  return patterns;
}

/** Members that a schema does not name are errors here, though clients must accept them. */
function strict(schema: Document): Document {
  if (Array.isArray(schema)) return schema.map(strict);
  if (typeof schema !== 'object' || schema === null) return schema;
  const all = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, strict(value)]));
  return schema.type === 'object' && 'properties' in schema ? { ...all, additionalProperties: false } : all;
}

t.test('the document', async (t) => {
  const served = await serve({ log: true });
  t.teardown(() => served.close());
  const ask = asker(served.port);
  const { shard } = served;
  const eur = shard.define('EURUSD', 5, 60_000);
  shard.define('SILENT', 2);
  shard.quote(eur, 1.1, 1.10002);
  shard.quote(eur, 1.1, 1.10002, 5, 6);
  shard.trade(eur, 1.10001, 77);
  shard.status(eur, 5, 3);
  shard.commit();
  const answer = await ask('/openapi.json');
  const document = JSON.parse(answer.body) as Document;

  const checked = await new Validator().validate(structuredClone(document));
  t.same(checked.errors, undefined, 'the document is valid');
  t.equal(checked.valid, true);
  const described = Object.keys(document.paths).sort();
  for (const method of ['get', 'head'] as const) {
    const routes = routesOf(method).map((pattern) => pattern.replace(/:(\w+)/g, '{$1}'));
    t.same(routes.sort(), described, `every route of ${method} is described, and no other`);
  }
  t.equal((await ask('/openapi.json', { 'if-none-match': answer.headers.etag! })).status, 304);

  const ajv = new Ajv2020({ strict: false, allErrors: true });
  ajv.addSchema({ $id: 'document', ...strict(document) });
  const validate = (path: string, { status, headers, body }: HttpAnswer) => {
    const type = headers['content-type']?.split(';')[0] ?? '';
    const pointer = ['paths', path, 'get', 'responses', String(status), 'content', type, 'schema'];
    const reference = pointer.map((part) => part.replaceAll('~', '~0').replaceAll('/', '~1')).join('/');
    const response = document.paths[path]?.get.responses[status];
    t.ok(response?.content?.[type], `${path} may answer ${status} ${type}`);
    if (!/[/+]json$/.test(type)) return;
    const check = ajv.getSchema(`document#/${encodeURI(reference)}`);
    t.equal(check?.(JSON.parse(body)), true, `${path} ${status}: ${JSON.stringify(check?.errors)}`);
  };
  for (const [path, query, status] of [
    ['/v1/symbols', '', 200],
    ['/v1/quotes', '?symbols=EURUSD,NOPE', 200],
    ['/v1/quotes', '?symbol=EURUSD', 400],
    ['/v1/feeds', '', 200],
    ['/v1/pipeline', '', 200],
    ['/healthz', '', 200],
    ['/readyz', '', 503],
    ['/metrics', '', 200],
    ['/openapi.json', '', 200],
  ] as const) {
    const got = await ask(`${path}${query}`);
    t.equal(got.status, status, path);
    validate(path, got);
  }
  for (const path of [
    '/v1/symbols',
    '/v1/feeds',
    '/v1/pipeline',
    '/healthz',
    '/readyz',
    '/metrics',
    '/openapi.json',
  ]) {
    const unknown = await ask(`${path}?x=1`);
    t.equal(unknown.status, 400);
    validate(path, unknown);
    const foreign = await ask(path, { host: 'evil.example' });
    t.equal(foreign.status, 403);
    validate(path, foreign);
  }
  for (const [path, status, accept] of [
    ['quotes/EURUSD', 200],
    ['quotes/SILENT', 404],
    ['quotes/%ff', 400],
    ['ticks/EURUSD', 200],
    ['ticks/EURUSD', 200, 'application/x-ndjson'],
    ['ticks/EURUSD', 200, 'text/csv'],
    ['ticks/EURUSD', 200, 'application/x-msgpack'],
    ['ticks/EURUSD', 406, 'image/png'],
    ['ticks/EURUSD?limit=0', 400],
    ['ticks/EURUSD?cursor=AA', 400],
    ['ticks/NOPE', 404],
  ] as const) {
    const got = await ask(`/v1/${path}`, accept === undefined ? {} : { accept });
    t.equal(got.status, status, path);
    validate(`/v1/${path.split('/')[0]}/{symbol}`, got);
  }
  const page = JSON.parse((await ask('/v1/ticks/EURUSD')).body) as Document;
  t.same(
    page.ticks.map((tick: Document) => tick.kind),
    ['quote', 'quote', 'trade', 'status'],
  );
});
