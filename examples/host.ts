/**
 * A program that embeds the engine: its own source of ticks, its own logger, and its own uWebSockets app, on
 * which the engine serves beside the program's own route. Run it with `node dist/examples/host.js`.
 */
import uws from 'uWebSockets.js';
import {
  createEngine,
  type Feed,
  type FeedContext,
  type FeedStatus,
  NO_SIZE,
  type Source,
  Take,
} from '../src/index.js';

const TICKS = 2_000;
const TICKS_PER_TURN = 50;

/** A connector of the host's own: a random walk, from an object that runs on the host's thread. */
class WalkFeed implements Feed {
  #context!: FeedContext;
  #source!: Source;
  #symbol = 0;
  #made = 0;
  #bid = 1.1;
  #timer: NodeJS.Timeout | undefined;

  async start(context: FeedContext): Promise<void> {
    this.#context = context;
    this.#source = context.source('walk');
    this.#symbol = context.symbol(this.#source, 'DEMO', { digits: 5 });
    this.#timer = setInterval(() => this.#turn(), 1);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
  }

  status(): FeedStatus {
    const state = this.#made < TICKS ? 'live' : 'ended';
    return { state, detail: `${this.#made} ticks made`, sources: 1 };
  }

  #turn(): void {
    const { sink } = this.#context;
    sink.stamp();
    for (let i = 0; i < TICKS_PER_TURN && this.#made < TICKS; i++) {
      // Policy `block`: when the ring is full, the same tick is offered again later.
      if (sink.take(this.#source, this.#symbol, 0) === Take.full) break;
      this.#bid = Math.round((this.#bid + (Math.random() - 0.5) * 0.0001) * 1e5) / 1e5;
      const ask = this.#bid + 0.00002;
      sink.quote(this.#source, this.#symbol, 0, 0, sink.recvS, sink.recvNs, this.#bid, ask, NO_SIZE, NO_SIZE);
      this.#made++;
    }
    sink.commit();
  }
}

const app = uws.App();
app.get('/hello', (response) => void response.end('the host answers here'));

const print = (level: string) => (_details: object, message: string) => console.log(`[${level}] ${message}`);
const engine = await createEngine({
  feeds: [{ name: 'walk', feed: new WalkFeed() }],
  dataFolder: false,
  app,
  logger: { info: print('info'), warn: print('warn'), error: print('error') },
});

engine.on('feedStatus', (feed, status) => {
  if (status.state === 'ended') console.log(`${feed}: ${status.detail}`);
});
engine.on('failed', (error) => console.error(error.code, error.message));

await engine.start();
// The app is the host's: the engine has added its routes, the host listens.
const port = await new Promise<number>((resolve, reject) => {
  app.listen('127.0.0.1', 0, (socket) => {
    if (socket === false) reject(new Error('the port cannot be had'));
    else resolve(uws.us_socket_local_port(socket));
  });
});

let followed = 0;
await new Promise<void>((resolve) => {
  engine.follow({ symbols: ['DEMO'] }, (tick) => {
    if (tick.kind === 'quote' && ++followed === TICKS) resolve();
  });
});
const last = engine.last('DEMO');
const rest = await fetch(`http://127.0.0.1:${port}/v1/quotes/DEMO`);
const own = await fetch(`http://127.0.0.1:${port}/hello`);
console.log(`followed ${followed} quotes; last seq ${last?.seq}, bid ${last?.quote?.bid}`);
console.log(`GET /v1/quotes/DEMO: ${rest.status}; GET /hello: ${await own.text()}`);

await engine.stop();
app.close();
