/** A headless Chromium driven over its DevTools protocol, and the files and figures that the page asks for. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { fanoutOptionsSchema } from '../../src/fanout/contract/options.js';

const CANDIDATES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const PUBLIC = new URL('../../src/web/public/', import.meta.url);
const TYPES: Record<string, string> = { '.html': 'text/html', '.css': 'text/css', '.js': 'text/javascript' };

/** What the server sends along with the page. */
const POLICY = fanoutOptionsSchema.parse({}).contentSecurityPolicy;

/** The path of a Chromium, or undefined where there is none. */
function findChromium(): string | undefined {
  return CANDIDATES.find((path) => existsSync(path));
}

/** Why the tests of the page cannot run here, or false. */
export function whyNot(): string | false {
  return findChromium() === undefined
    ? `NO CHROMIUM: the page is not tested (${CANDIDATES.join(', ')})`
    : false;
}

/** Totals of an engine that handles so many ticks with every poll. */
export function figures(perPoll: number): RequestListener {
  let polls = 0;
  const answers: Record<string, () => unknown> = {
    '/v1/pipeline': () => {
      const sequenced = ++polls * perPoll;
      return {
        epoch: 3,
        totals: { received: sequenced + 900, sequenced, logged: Math.max(0, sequenced - 64_000) },
        feeds: [{ feed: 'mt5', rawDepth: [900], rawSlots: 16_384 }],
        shards: [{ shard: 0, head: sequenced, visible: sequenced - 64_000, durable: 0, ringSlots: 524_288 }],
      };
    },
    '/readyz': () => ({ ready: true, reasons: [] }),
    '/v1/feeds': () => ({
      feeds: [
        { name: 'mt5', state: 'live', detail: '', ageMs: 3 },
        { name: 'dukascopy', state: 'live', detail: '', ageMs: 42_000 },
      ],
    }),
  };
  return (request, response) => {
    const path = (request.url ?? '/').split('?')[0];
    const answer = answers[path];
    if (answer !== undefined) {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(answer()));
      return;
    }
    const name = path === '/' ? 'index.html' : path.slice(1);
    readFile(new URL(name, PUBLIC)).then(
      (body) => {
        response.setHeader('content-type', TYPES[extname(name)] ?? 'application/octet-stream');
        response.setHeader('content-security-policy', POLICY);
        response.end(body);
      },
      () => response.writeHead(404).end(),
    );
  };
}

interface Reply {
  id?: number;
  result?: Record<string, unknown>;
  error?: { message: string };
  method?: string;
  params?: { exceptionDetails?: { text: string; exception?: { description?: string } } };
}

export class Browser {
  readonly #process: ChildProcess;
  readonly #socket: WebSocket;
  readonly #folder: string;
  readonly #waiting = new Map<
    number,
    { resolve: (r: Record<string, unknown>) => void; reject: (e: Error) => void }
  >();
  /** Exceptions that the page did not catch. */
  readonly failures: string[] = [];
  #nextId = 1;

  private constructor(process: ChildProcess, socket: WebSocket, folder: string) {
    this.#process = process;
    this.#socket = socket;
    this.#folder = folder;
    socket.on('message', (data) => {
      const reply = JSON.parse(String(data)) as Reply;
      if (reply.method === 'Runtime.exceptionThrown') {
        const details = reply.params?.exceptionDetails;
        this.failures.push(details?.exception?.description ?? details?.text ?? 'exception');
      }
      const waiting = this.#waiting.get(reply.id ?? -1);
      if (waiting === undefined) return;
      this.#waiting.delete(reply.id!);
      if (reply.error !== undefined) waiting.reject(new Error(reply.error.message));
      else waiting.resolve(reply.result ?? {});
    });
  }

  /** Starts a browser with one page of the given size, in CSS pixels. */
  static async start(url: string, width = 1280, height = 900): Promise<Browser> {
    const folder = await mkdtemp(join(tmpdir(), 'tickwire-page-'));
    const child = spawn(
      findChromium()!,
      [
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--remote-debugging-port=0',
        `--user-data-dir=${folder}`,
        `--window-size=${width},${height}`,
        'about:blank',
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    const port = await debuggingPort(child);
    const targets = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as {
      type: string;
      webSocketDebuggerUrl: string;
    }[];
    const page = targets.find(({ type }) => type === 'page')!;
    const socket = new WebSocket(page.webSocketDebuggerUrl, { perMessageDeflate: false });
    await once(socket, 'open');
    const browser = new Browser(child, socket, folder);
    await browser.call('Runtime.enable');
    await browser.call('Emulation.setDeviceMetricsOverride', {
      width,
      height,
      deviceScaleFactor: 1,
      mobile: false,
    });
    await browser.call('Page.navigate', { url });
    return browser;
  }

  call(method: string, params: object = {}): Promise<Record<string, unknown>> {
    const id = this.#nextId++;
    this.#socket.send(JSON.stringify({ id, method, params }));
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  /** The value of an expression in the page. */
  async evaluate<T>(expression: string): Promise<T> {
    const { result, exceptionDetails } = (await this.call('Runtime.evaluate', {
      expression,
      returnByValue: true,
      awaitPromise: true,
    })) as { result: { value: T }; exceptionDetails?: { text: string } };
    if (exceptionDetails !== undefined) throw new Error(`${exceptionDetails.text}: ${expression}`);
    return result.value;
  }

  /** Resolves with the first value of the expression that is neither false, null, 0 nor empty. */
  async until<T>(expression: string, timeoutMs = 8000): Promise<T> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      // While the document loads, the expression may well find nothing to look at.
      const value = await this.evaluate<T>(expression).catch((error: Error) => error);
      if (value && !(value instanceof Error)) return value;
      if (performance.now() > deadline) throw new Error(`never true: ${expression}`, { cause: value });
      await sleep(20);
    }
  }

  async screenshot(file: string): Promise<void> {
    const { data } = (await this.call('Page.captureScreenshot', { format: 'png' })) as { data: string };
    await writeFile(file, Buffer.from(data, 'base64'));
  }

  async close(): Promise<void> {
    const exited = once(this.#process, 'exit');
    this.#socket.close();
    this.#process.kill();
    await exited;
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  }
}

/** Chromium picks a free port and tells it on stderr. */
async function debuggingPort(child: ChildProcess): Promise<string> {
  let said = '';
  for await (const chunk of child.stderr!) {
    said += String(chunk);
    const found = /DevTools listening on ws:\/\/127\.0\.0\.1:(\d+)\//.exec(said);
    if (found !== null) {
      child.stderr!.resume();
      return found[1];
    }
  }
  throw new Error(`Chromium did not start: ${said}`);
}
